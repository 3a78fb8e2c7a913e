/**
 * Colours and shapes. The accent is the organisation's, made so dark or so light that it reads.
 *
 * @module
 */
import {
  type CSSVariablesResolver,
  createTheme,
  type MantineColorsTuple,
  type MantineThemeOverride,
} from '@mantine/core'
import { readableOn } from '../../../functions/emails/theme.ts'

/** Ours, where an organisation has none. */
export const DEFAULT_ACCENT = '#3b4cca'

export const GROUND = { light: '#ffffff', dark: '#1b1f29' } as const
/** Accented texts also stand on a ground that is tinted with the accent; that takes some contrast away. */
const TINTED = { light: '#e9ebf4', dark: '#2c3140' } as const

/** As cool as the ground, from text to the deepest shade. */
const DARK: MantineColorsTuple = [
  '#eceef3',
  '#a6aebd',
  '#8b93a5',
  '#666f82',
  '#3a4152',
  '#2d3342',
  '#232834',
  '#1b1f29',
  '#14171f',
  '#0f1218',
]

/** Text on the accent is black or white by Mantine's rule; at this luminance both have 4.5 : 1. */
const LUMINANCE_WHERE_BLACK_TAKES_OVER = 0.179

/** All shades are the accent itself; what has to be lighter or darker is said below. */
function shades(accent: string): MantineColorsTuple {
  return [accent, accent, accent, accent, accent, accent, accent, accent, accent, accent]
}

/** @param accent - # and six hex digits; null for our own */
export function themeFor(accent: string | null): MantineThemeOverride {
  return createTheme({
    primaryColor: 'accent',
    colors: { accent: shades(accent ?? DEFAULT_ACCENT), dark: DARK },
    autoContrast: true,
    luminanceThreshold: LUMINANCE_WHERE_BLACK_TAKES_OVER,
    defaultRadius: 'md',
    cursorType: 'pointer',
    respectReducedMotion: true,
    fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif",
    headings: { fontWeight: '600' },
    other: { accent: accent ?? DEFAULT_ACCENT },
  })
}

/** What Mantine's own defaults do not make readable: quiet text, errors, links, accented texts. */
export const readableVariables: CSSVariablesResolver = (theme) => {
  const accent = String(theme.other.accent)
  return {
    variables: {},
    light: {
      '--mantine-color-text': '#1d2433',
      '--mantine-color-dimmed': '#5b6475',
      '--mantine-color-placeholder': '#667085',
      '--mantine-color-error': '#b42318',
      '--mantine-color-anchor': readableOn(GROUND.light, accent),
      '--mantine-color-accent-light': `color-mix(in srgb, ${accent} 10%, ${GROUND.light})`,
      '--mantine-color-accent-light-hover': `color-mix(in srgb, ${accent} 16%, ${GROUND.light})`,
      '--mantine-color-accent-light-color': readableOn(TINTED.light, accent),
      '--mantine-color-teal-outline': '#0b6b4d',
      '--mantine-color-red-outline': '#b42318',
      '--mantine-color-yellow-outline': '#8a4b00',
      '--mantine-color-accent-outline': readableOn(GROUND.light, accent),
      '--mantine-color-accent-text': readableOn(GROUND.light, accent),
      '--usher-page': '#f7f8fa',
    },
    dark: {
      '--mantine-color-text': '#eceef3',
      '--mantine-color-dimmed': '#a6aebd',
      '--mantine-color-placeholder': '#98a1b3',
      '--mantine-color-body': GROUND.dark,
      '--mantine-color-default': '#232834',
      '--mantine-color-default-border': '#3a4152',
      '--mantine-color-error': '#ff9ba4',
      '--mantine-color-anchor': readableOn(GROUND.dark, accent),
      '--mantine-color-accent-light': `color-mix(in srgb, ${accent} 18%, ${GROUND.dark})`,
      '--mantine-color-accent-light-hover': `color-mix(in srgb, ${accent} 26%, ${GROUND.dark})`,
      '--mantine-color-accent-light-color': readableOn(TINTED.dark, accent),
      '--mantine-color-teal-outline': '#3ecf9b',
      '--mantine-color-red-outline': '#ff9ba4',
      '--mantine-color-yellow-outline': '#f5b83d',
      '--mantine-color-accent-outline': readableOn(GROUND.dark, accent),
      '--mantine-color-accent-text': readableOn(GROUND.dark, accent),
      '--usher-page': '#14171f',
    },
  }
}
