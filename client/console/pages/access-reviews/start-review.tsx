/**
 * Starts a review: what it is called, and by when it should be done.
 *
 * @module
 */
import { Button, Group, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useNavigate } from 'react-router'
import { useStartAccessReview } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

const IN_TWO_WEEKS = 14 * 86_400_000

export function StartReview({ onClose }: { onClose: () => void }) {
  const { accessReviews: words, common } = useTexts()
  const { id, path } = useOrganisation()
  const say = useSay()
  const navigate = useNavigate()
  const start = useStartAccessReview(id)
  const form = useForm({
    initialValues: {
      title: '',
      due: new Date(Date.now() + IN_TWO_WEEKS).toISOString().slice(0, 10),
    },
  })

  function save({ title, due }: typeof form.values) {
    start.mutate(
      // The day itself is meant as well.
      { title, dueAt: `${due}T23:59:59Z` },
      {
        onSuccess: (review) => {
          say.done(words.started(review.title))
          navigate(`${path}/access-reviews/${review.id}`)
        },
      },
    )
  }

  return (
    <Dialog opened={true} onClose={onClose} title={words.start}>
      <form onSubmit={form.onSubmit(save)}>
        <Stack>
          <TextInput
            label={words.name}
            description={words.nameHint}
            required
            withAsterisk={false}
            maxLength={100}
            data-autofocus
            {...form.getInputProps('title')}
          />
          <TextInput
            type="date"
            label={words.due}
            required
            withAsterisk={false}
            {...form.getInputProps('due')}
          />
          {start.error && <ProblemAlert error={start.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {common.cancel}
            </Button>
            <Button type="submit" loading={start.isPending}>
              {words.start}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
