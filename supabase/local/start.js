// Plain JavaScript, so that an old Node gets as far as the sentence that says what is wrong.
import { requireNode } from './node-version.js'

requireNode(process.versions.node)
await import('./start.ts')
