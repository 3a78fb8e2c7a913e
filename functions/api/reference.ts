/**
 * The reference page: Swagger UI over our own OpenAPI document.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'
import { Hono } from 'hono'
import { Problem } from './problem.ts'

/** The files of swagger-ui-dist 5.35.0, which a browser takes from elsewhere only when they are these. */
export const ASSETS: Record<string, { type: string; integrity: string }> = {
  'swagger-ui.css': {
    type: 'text/css',
    integrity: 'sha384-WlYgdmXYOOBWL5apwjDEZwN+U3HmXSSu5R6V5aGxEcf7z+KuRNwBhoxKVN1i3D5I',
  },
  'swagger-ui-bundle.js': {
    type: 'text/javascript',
    integrity: 'sha384-gjRm0bEPMeTmMh5jT2cHccIwCUZSTd8YC+j0d0sXw0MdGEfScduGpSyF3ZSSLkX9',
  },
}
export const DEFAULT_ASSETS = 'https://cdn.jsdelivr.net/npm/swagger-ui-dist@5.35.0/'

const START = `SwaggerUIBundle({
  url: 'openapi.json', dom_id: '#reference', deepLinking: true, docExpansion: 'list',
  defaultModelsExpandDepth: 0, persistAuthorization: false, displayRequestDuration: true,
})
`

/** @param assets - a folder (`file:///…/`), whose files are then served here, or a site that has them */
export function reference(assets: URL): Hono {
  const isFolder = assets.protocol === 'file:'
  const base = isFolder ? 'reference/' : assets.href
  const source = isFolder ? "'self'" : assets.origin
  const attributes = (name: string) =>
    `integrity="${ASSETS[name]?.integrity}" crossorigin="anonymous"`
  // Addresses are relative: where this function is found is not known to the page.
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Usher: REST reference</title>
<link rel="stylesheet" href="${base}swagger-ui.css" ${attributes('swagger-ui.css')}>
<div id="reference"><noscript>This page needs JavaScript; the document itself is <a href="openapi.json">openapi.json</a>.</noscript></div>
<script src="${base}swagger-ui-bundle.js" ${attributes('swagger-ui-bundle.js')}></script>
<script src="reference/start.js"></script>
`
  const policy =
    `default-src 'none'; script-src 'self' ${source}; style-src 'unsafe-inline' ${source}; ` +
    `img-src 'self' data: ${source}; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'`

  return new Hono()
    .get('/', (c) => c.html(page, 200, { 'content-security-policy': policy }))
    .get('/start.js', (c) => c.body(START, 200, { 'content-type': 'text/javascript' }))
    .get('/:asset', async (c) => {
      const name = c.req.param('asset')
      const asset = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined
      if (!asset || !isFolder) throw new Problem('not_found')
      const bytes = await readFile(new URL(name, assets))
      return c.body(bytes, 200, { 'content-type': asset.type })
    })
}
