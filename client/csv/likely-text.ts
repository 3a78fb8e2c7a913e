/**
 * Whether a text is one that a person may have written. Read in the wrong encoding, words hold signs (`GrÃ¼ÃŸe`),
 * capitals in the middle (`MŸller`) or letters of two scripts (`Schцne`).
 *
 * @module
 */

/** What is not ASCII, with the letters around it. */
const WORD = /[A-Za-z]*\P{ASCII}(?:[A-Za-z]|\P{ASCII})*/gu

/** Among them the sign for any currency: nobody writes it, and in another encoding its byte is that of the euro. */
const NEVER = /(?=\P{ASCII})\p{Cc}|[\p{Co}\p{Cn}\p{Cs}¤]/u
/** What stands by itself, or around a word. */
const OPENING = /^[\p{Ps}\p{Pi}\p{Zs}„‚’‘¿¡«»•·…–—]+/u
const CLOSING = /[\p{Pe}\p{Pf}\p{Zs}“”’‘«»®™©°…–—ºª•·]+$/u
const SIGNS = /^[\p{Sc}\p{Sm}\p{So}\p{No}\p{Pd}\p{Po}\p{Pi}\p{Pf}\p{Ps}\p{Pe}\p{Zs}°§]{1,3}$/u

const SCRIPTS = [
  /^[\p{Script=Latin}\p{Mn}·’-]+$/u,
  /^[\p{Script=Cyrillic}\p{Mn}’-]+$/u,
  /^[\p{Script=Greek}\p{Mn}’-]+$/u,
  /^[\p{Script=Arabic}\p{Mn}\p{Cf}،؛؟ـ]+$/u,
  /^[\p{Script=Hebrew}\p{Mn}\p{Cf}־׳״]+$/u,
  /^[\p{Script=Thai}฿]+$/u,
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー々、。・「」（）！？，：；]+$/u,
]
/** Arabic and Hebrew marks stand on a letter. */
const LOOSE_MARK = /^\p{M}/u
const CAPITAL_WITHIN = /\p{Ll}\p{Lu}/u

export function isLikelyText(text: string): boolean {
  if (NEVER.test(text)) return false
  return (text.match(WORD) ?? []).every(isLikelyWord)
}

function isLikelyWord(word: string): boolean {
  if (SIGNS.test(word)) return true
  const bare = word.replace(OPENING, '').replace(CLOSING, '')
  if (bare === '') return true
  // Two words with a dash or an apostrophe of print between them.
  return bare.split(/[’–—…/]/u).every((part) => {
    if (part === '' || /^[A-Za-z]+$/.test(part)) return true
    if (LOOSE_MARK.test(part) || CAPITAL_WITHIN.test(part)) return false
    return SCRIPTS.some((script) => script.test(part))
  })
}
