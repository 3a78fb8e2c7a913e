/**
 * Ends the process with one sentence when this Node cannot run the stack.
 *
 * @param {string} version such as 24.21.0
 */
export function requireNode(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 18)) return
  console.error(
    `Node ${version} is too old for the stack. Run "npm ci", which brings a newer one, and then "npm start" rather than "node".`,
  )
  process.exit(1)
}
