import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { createMessageConnection } from 'vscode-jsonrpc/node'

/** How long the server may take for one answer; it needs milliseconds. */
const PATIENCE = 30_000

interface TextEdit {
  newText: string
}

interface Diagnostic {
  code?: string
  message: string
  range: { start: { line: number } }
}

/** What is wrong with a file that cannot be read as SQL. */
export class SqlSyntaxError extends Error {
  /** Counted from one. */
  readonly line: number

  constructor({ message, range }: Diagnostic) {
    super(message)
    this.line = range.start.line + 1
  }
}

/** The file at `path`, whose text is `text`, as the formatter would have it. */
export type FormatSql = (path: string, text: string) => Promise<string>

/**
 * Runs `task` beside squawk's language server: no other way leads to its formatter. The server ends with the task,
 * whatever becomes of either.
 */
export async function withSqlFormatter<T>(task: (format: FormatSql) => Promise<T>): Promise<T> {
  const { getBinaryPath } = createRequire(import.meta.url)('squawk-cli/js/index.js') as {
    getBinaryPath: () => string
  }
  const server = spawn(getBinaryPath(), ['server'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const connection = createMessageConnection(server.stdout, server.stdin)

  let fail = (_words: string): void => {}
  const gone = new Promise<never>((_resolve, reject) => {
    fail = (words) => reject(new Error(`The SQL formatter (squawk server) ${words}`))
  })
  gone.catch(() => {})
  server.on('error', (error) => fail(`did not start: ${error.message}`))
  server.on('exit', (code, signal) => fail(`ended before its work was done: ${signal ?? code}`))
  connection.onError(([error]) => fail(`cannot be talked to: ${error.message}`))
  // Writing to a server that has just ended; its exit says so in better words.
  server.stdin.on('error', () => {})

  const ask = async <Answer>(method: string, params: object): Promise<Answer> => {
    const late = setTimeout(
      () => fail(`gave no answer to ${method} within ${PATIENCE / 1000} seconds`),
      PATIENCE,
    )
    try {
      return await Promise.race([connection.sendRequest<Answer>(method, params), gone])
    } finally {
      clearTimeout(late)
    }
  }
  const tell = (method: string, params: object) =>
    Promise.race([connection.sendNotification(method, params), gone])

  const format: FormatSql = async (path, text) => {
    const textDocument = { uri: pathToFileURL(path).href }
    await tell('textDocument/didOpen', {
      textDocument: { ...textDocument, languageId: 'sql', version: 1, text },
    })
    const edits = await ask<TextEdit[]>('textDocument/formatting', {
      textDocument,
      options: { tabSize: 2, insertSpaces: true },
    })
    // It answers with the whole file or with nothing: when there is nothing to do, and when it cannot read the file.
    const [edit] = edits
    if (edit) return edit.newText
    const { items } = await ask<{ items: Diagnostic[] }>('textDocument/diagnostic', {
      textDocument,
    })
    const wrong = items.find(({ code }) => code === 'syntax-error')
    if (wrong) throw new SqlSyntaxError(wrong)
    return text
  }

  try {
    connection.listen()
    await ask('initialize', { processId: process.pid, rootUri: null, capabilities: {} })
    await tell('initialized', {})
    return await task(format)
  } finally {
    // It holds nothing that could be lost, and a server that hangs would not heed less.
    connection.dispose()
    server.kill('SIGKILL')
  }
}
