/**
 * Numbers in sentences.
 *
 * @module
 */

/** Forms by the plural categories of Unicode; a language gives those that it has. */
export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }

/**
 * The form that fits the number, with `#` replaced by the number as the language writes it.
 *
 * @param locale - a language of the texts, such as `pl`
 * @param n - a whole number, 0 or more
 */
export function plural(locale: string, n: number, forms: Forms): string {
  const form = forms[new Intl.PluralRules(locale).select(n)] ?? forms.other
  return form.replace('#', new Intl.NumberFormat(locale).format(n))
}
