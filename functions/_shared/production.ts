/**
 * Imported first: React chooses by NODE_ENV whether it runs with all its checks, which take three times as
 * long, and nothing sets that where edge functions run.
 *
 * @module
 */
import process from 'node:process'

try {
  process.env.NODE_ENV ||= 'production'
} catch {
  // An edge runtime may keep its environment as it is: then it is slower, and no more than that.
}
