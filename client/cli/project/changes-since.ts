/**
 * What a changelog says that is newer than a version.
 *
 * @module
 */

/** @returns its sections above that of the version, as they stand there; all of them where it has none */
export function changesSince(changelog: string, version: string): string {
  const sections = changelog.split(/^(?=## )/m).slice(1)
  const isOf = (section: string) => section.match(/^## \[?v?([^\s\]]+)/)?.[1] === version
  const own = sections.findIndex(isOf)
  return sections
    .slice(0, own === -1 ? sections.length : own)
    .join('')
    .trim()
}
