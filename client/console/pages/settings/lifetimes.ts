/**
 * Lengths of time to choose from, as the API writes them.
 *
 * @module
 */
import type { Texts } from '../../texts/en.ts'

interface Choice {
  value: string
  label: string
}

/** How long an invitation is valid: an hour to 30 days. */
export function lifetimes({ compose }: Texts): Choice[] {
  return [
    { value: '01:00:00', label: compose.hours(1) },
    { value: '1 day', label: compose.days(1) },
    ...[3, 7, 14, 30].map((n) => ({ value: `${n} days`, label: compose.days(n) })),
  ]
}

/** How long before its end an invitation is brought to mind. */
export function reminders({ compose, common }: Texts): Choice[] {
  return [
    { value: '', label: common.never },
    { value: '06:00:00', label: compose.hours(6) },
    { value: '1 day', label: compose.days(1) },
    ...[2, 3, 7].map((n) => ({ value: `${n} days`, label: compose.days(n) })),
  ]
}

/** How long the trail is kept. */
export function retentions({ compose, settings }: Texts): Choice[] {
  return [
    { value: '', label: settings.retentionForever },
    { value: '90 days', label: compose.days(90) },
    { value: '1 year', label: settings.years(1) },
    { value: '5 years', label: settings.years(5) },
    { value: '10 years', label: settings.years(10) },
  ]
}

/** How long tokens and domains go on when whoever answers for them lost the right to: 30 days at most. */
export function graces({ compose, settings }: Texts): Choice[] {
  return [
    { value: '00:00:00', label: settings.graceNone },
    { value: '1 day', label: compose.days(1) },
    ...[3, 7, 14, 30].map((n) => ({ value: `${n} days`, label: compose.days(n) })),
  ]
}

/** How long ago people signed in at most. */
export function signInAges({ compose, settings }: Texts): Choice[] {
  return [
    { value: '', label: settings.signInMaxAgeAny },
    { value: '01:00:00', label: compose.hours(1) },
    { value: '12:00:00', label: compose.hours(12) },
    { value: '1 day', label: compose.days(1) },
    { value: '7 days', label: compose.days(7) },
  ]
}

/** The choices, and with them what is set now, also when it is none of them. */
export function including(choices: Choice[], value: string | null): Choice[] {
  const isThere = choices.some((choice) => choice.value === (value ?? ''))
  return isThere || value === null ? choices : [{ value, label: value }, ...choices]
}
