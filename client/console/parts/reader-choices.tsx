/**
 * What every reader may choose: language, and light or dark.
 *
 * @module
 */
import { type MantineColorScheme, NativeSelect, useMantineColorScheme } from '@mantine/core'
import { useLanguage } from '../app/language.tsx'
import { LANGUAGE_CODES, LANGUAGES, type LanguageCode } from '../texts/languages.ts'

export function LanguageChoice() {
  const { code, choose, texts } = useLanguage()
  return (
    <NativeSelect
      aria-label={texts.common.language}
      size="xs"
      value={code}
      onChange={(event) => choose(event.currentTarget.value as LanguageCode)}
      data={LANGUAGE_CODES.map((value) => ({ value, label: LANGUAGES[value].name }))}
    />
  )
}

export function ThemeChoice() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const { common } = useLanguage().texts
  return (
    <NativeSelect
      aria-label={common.theme}
      size="xs"
      value={colorScheme}
      onChange={(event) => setColorScheme(event.currentTarget.value as MantineColorScheme)}
      data={[
        { value: 'auto', label: common.system },
        { value: 'light', label: common.light },
        { value: 'dark', label: common.dark },
      ]}
    />
  )
}
