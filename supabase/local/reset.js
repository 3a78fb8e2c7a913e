import { requireNode } from './node-version.js'

requireNode(process.versions.node)
await import('./reset.ts')
