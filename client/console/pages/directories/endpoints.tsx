/**
 * Applications that are told who is a member: added, watched, compared, turned off, deleted.
 *
 * @module
 */
import { IconAffiliate } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { DirectoryEndpoint } from '../../../index.ts'
import { useUsher, useUsherQueries, usherKeys } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { live } from '../../app/live.ts'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { EndpointCard } from './endpoint-card.tsx'
import { EndpointForm } from './endpoint-form.tsx'
import { Section } from './section.tsx'

export function Endpoints() {
  const { directories: words } = useTexts()
  const say = useSay()
  const usher = useUsher()
  const queryClient = useQueryClient()
  const { id } = useOrganisation()
  const endpoints = useQuery({ ...useUsherQueries().directories.endpoints(id), ...live })
  const [edited, setEdited] = useState<DirectoryEndpoint | 'new' | null>(null)
  const [question, setQuestion] = useState<Question | null>(null)

  const askToDelete = ({ id: endpointId, name }: DirectoryEndpoint) =>
    setQuestion({
      title: words.deleteTitle(name),
      text: words.deleteText,
      confirm: words.delete,
      async act() {
        const result = await usher.directories.deleteEndpoint(endpointId)
        if (!result.error) say.done(words.deleted(name))
        await queryClient.invalidateQueries({ queryKey: usherKeys.part(id, 'directories') })
        return result
      },
    })

  return (
    <Section
      title={words.applications}
      text={words.applicationsText}
      add={words.newEndpoint}
      onAdd={() => setEdited('new')}
      count={endpoints.data?.length}
      empty={{
        title: words.noEndpoints,
        text: words.noEndpointsText,
        icon: <IconAffiliate size={28} aria-hidden />,
      }}
      error={endpoints.error}
    >
      {endpoints.data?.map((endpoint) => (
        <EndpointCard
          key={endpoint.id}
          endpoint={endpoint}
          onEdit={() => setEdited(endpoint)}
          onDelete={() => askToDelete(endpoint)}
        />
      ))}
      {edited && (
        <EndpointForm endpoint={edited === 'new' ? null : edited} onClose={() => setEdited(null)} />
      )}
      <Confirm question={question} onClose={() => setQuestion(null)} />
    </Section>
  )
}
