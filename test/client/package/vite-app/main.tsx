import { createClient } from '@supabase/supabase-js'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createRoot } from 'react-dom/client'
import { createUsher, isUsherError, takeToken } from 'usher'
import { readInvites } from 'usher/csv'
import { UsherProvider, useCreateInvites, useMembers, useUpdateMemberRoles } from 'usher/react'

declare const STACK: { apiUrl: string; publishableKey: string; email: string; id: string }

function Members() {
  const { data: members, error } = useMembers(STACK.id, { pageSize: 1 })
  const updateRoles = useUpdateMemberRoles(STACK.id)
  const createInvites = useCreateInvites(STACK.id)
  if (error) return <p role="alert">{error.code}</p>
  return (
    <>
      <p id="token">{token}</p>
      <ul>
        {members?.map(({ userId, email, roles }) => (
          <li key={userId}>
            {email} {roles.join()}{' '}
            <button type="button" onClick={() => updateRoles.mutate({ userId, roles: ['admin'] })}>
              Promote
            </button>
          </li>
        ))}
      </ul>
      {isUsherError(updateRoles.error, 'owner_required') && <p role="alert">The owner stays.</p>}
      <input
        type="file"
        onChange={({ target }) => {
          const [file] = target.files ?? []
          if (file) createInvites.mutate({ rows: readInvites(file, { roles: ['member'] }) })
        }}
      />
      <output>{createInvites.data?.map(({ status }) => status).join()}</output>
    </>
  )
}

const token = takeToken()
const supabase = createClient(STACK.apiUrl, STACK.publishableKey)
await supabase.auth.signInWithPassword({ email: STACK.email, password: 'password' })
const root = document.getElementById('root')
if (root) {
  createRoot(root).render(
    <QueryClientProvider client={new QueryClient()}>
      <UsherProvider usher={createUsher(supabase)}>
        <Members />
      </UsherProvider>
    </QueryClientProvider>,
  )
}
