/** The part of https://github.com/mathiasbynens/punycode.js that is used here; it has no types of its own. */
declare module 'punycode/punycode.js' {
  const punycode: { toASCII(domain: string): string; toUnicode(domain: string): string }
  export = punycode
}
