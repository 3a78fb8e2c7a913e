/**
 * The browser of the tests, as people have it: what `@sparticuz/chromium` would start it with turns off what
 * keeps pages apart, so none of that is used.
 *
 * @module
 */
import sparticuz from '@sparticuz/chromium'
import type { LaunchOptions } from 'playwright-core'

export async function chromiumOptions(): Promise<LaunchOptions> {
  return { executablePath: await sparticuz.executablePath() }
}
