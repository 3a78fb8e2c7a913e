/**
 * `npm run mail:preview`: every mail in every language with sample data, in the browser.
 *
 * @module
 */
import { AUTH_ACTIONS, type AuthAction } from '../_shared/delivery.ts'
import { LANGUAGES } from './language.ts'
import { type RenderedMail, render } from './render.tsx'
import { authFactsSample, authSample, PROJECT_NAME, SENT_AT, samples } from './samples.ts'

const locales = Object.keys(LANGUAGES)
const names = [...Object.keys(samples), ...AUTH_ACTIONS.map((action) => `auth_${action}`)]

function draw(name: string, locale: string): Promise<RenderedMail> {
  const options = { now: SENT_AT, projectName: PROJECT_NAME }
  if (Object.hasOwn(samples, name)) {
    return render({ ...samples[name as keyof typeof samples], locale }, options)
  }
  const action = name.replace('auth_', '') as AuthAction
  const openAuthMail = async () => authFactsSample(action)
  return render({ ...authSample, locale }, { ...options, openAuthMail })
}

/** A table of all mails; each opens beside it. */
const index = () => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Mails</title>
<meta name="viewport" content="width=device-width">
<style>
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
  body { display: grid; grid-template-columns: 22rem 1fr; margin: 0; height: 100vh }
  nav { overflow: auto; padding: 1rem } iframe { border: 0; height: 100%; width: 100% }
  td { padding: 0 .4rem 0 0 }
</style>
<nav><table>${names
  .map(
    (name) =>
      `<tr><td>${name}</td>${locales
        .map((locale) => `<td><a href="/${name}/${locale}" target="mail">${locale}</a></td>`)
        .join('')}</tr>`,
  )
  .join('')}</table><p>Add <code>.txt</code> for the plain text.</p></nav>
<iframe name="mail" src="/${names[0]}/${locales[0]}" title="The mail"></iframe></html>`

const html = { 'content-type': 'text/html; charset=utf-8' }
const port = Number(Deno.env.get('PORT') ?? 54330)

Deno.serve(
  {
    hostname: '127.0.0.1',
    port,
    onListen: ({ port }) => console.log(`Every mail in every language: http://127.0.0.1:${port}`),
  },
  async (request) => {
    const { pathname } = new URL(request.url)
    const [, name = '', locale = '', isText] = pathname.match(/^\/(\w+)\/(\w+)(\.txt)?$/) ?? []
    if (pathname === '/') return new Response(index(), { headers: html })
    if (!names.includes(name) || !locales.includes(locale)) {
      return new Response('There is no such mail.', { status: 404 })
    }
    const mail = await draw(name, locale)
    return isText
      ? new Response(`${mail.senderName}: ${mail.subject}\n\n${mail.text}`)
      : new Response(mail.html, { headers: html })
  },
)
