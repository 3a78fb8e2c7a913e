/**
 * What is left to do by hand once Usher is in a project.
 *
 * @module
 */
import type { Payload } from './project/payload.ts'

export const nextSteps = ({ version }: Payload) => `
Usher ${version} is in your project. Next:

1. Commit it, then bring it to your database:
     supabase db push            (version 3 of the Supabase CLI: supabase db push --remote)
2. In psql, or in the SQL editor:
     select usher.update_settings('{
       "site_url": "https://app.example.com",
       "functions_url": "https://<project>.supabase.co/functions/v1"
     }');
     alter role usher_worker login password 'a long random password';
3. Give the functions what they need, and deploy them:
     supabase secrets set USHER_DATABASE_URL=… USHER_WORKER_SECRET=… SMTP_URL=… MAIL_FROM=…
     supabase functions deploy
4. Send mails and webhooks, and verify domains: run the worker, or schedule four cron jobs, as docs/install.md
   says under "Cron jobs"
5. In your app, which needs @supabase/supabase-js beside:
     import { createUsher } from 'usher'
     const usher = createUsher(supabase)
6. See whether all is well:    npx usher doctor --db-url postgres://…
`
