/**
 * A day and a time of it, in the reader's own time zone.
 *
 * @module
 */
import { TextInput, type TextInputProps } from '@mantine/core'

interface MomentInputProps extends Omit<TextInputProps, 'value' | 'onChange' | 'type'> {
  /** ISO 8601; null: none. */
  value: string | null
  onChange: (value: string | null) => void
}

export function MomentInput({ value, onChange, ...props }: MomentInputProps) {
  return (
    <TextInput
      {...props}
      type="datetime-local"
      min={toLocal(new Date().toISOString())}
      value={value ? toLocal(value) : ''}
      onChange={({ currentTarget: { value: typed } }) =>
        onChange(typed ? new Date(typed).toISOString() : null)
      }
    />
  )
}

/** As the browser's own field takes it: to the minute, without an offset. */
function toLocal(moment: string): string {
  const date = new Date(moment)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
