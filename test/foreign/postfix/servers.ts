/**
 * Two mail servers as Debian has them, in a folder of their own and on ports that are free: one that takes mails of
 * ours as a submission server does (STARTTLS, AUTH), and one that they are for, which takes some, refuses some, and
 * returns some later. Dovecot knows the password of the first, and shows the mailbox that mails come back to.
 *
 * @module
 */
import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

export const PASSWORD = 'a-password'

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

export interface Ports {
  submission: number
  ours: number
  theirs: number
  imap: number
  policy: number
}

/** Each on its own: two that were free at once are never the same. */
export const freePorts = async (): Promise<Ports> => ({
  submission: await freePort(),
  ours: await freePort(),
  theirs: await freePort(),
  imap: await freePort(),
  policy: await freePort(),
})

const SERVICES = `pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

/** What both have. */
const common = (folder: string, host: string) => `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
maillog_file = ${folder}/log
maillog_file_prefixes = ${folder}
myhostname = ${host}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
local_recipient_maps =
alias_maps =
alias_database =
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_mailbox_base = ${folder}/mail
smtputf8_enable = yes
recipient_delimiter = +
# A mail that comes back does so at once, and not after five days.
minimal_backoff_time = 5s
maximal_backoff_time = 5s
queue_run_delay = 5s
`

function instance(folder: string, main: string, services: string): string {
  for (const name of ['etc', 'queue', 'data', 'mail'])
    mkdirSync(join(folder, name), { recursive: true })
  chmodSync(folder, 0o755)
  execFileSync('chown', ['postfix', join(folder, 'data')])
  execFileSync('chown', ['nobody', join(folder, 'mail')])
  writeFileSync(join(folder, 'etc', 'main.cf'), main)
  writeFileSync(join(folder, 'etc', 'master.cf'), `${SERVICES}${services}`)
  return join(folder, 'etc')
}

function script(path: string, text: string): string {
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return path
}

export interface Servers {
  /** Its certificate, signed by itself, for a name that nobody calls it by. */
  certificate: string
  /** What the recipient's server has in somebody's mailbox. */
  mailbox(name: string): string
  /** Lets the recipient's server take what it greylisted. */
  letThrough(): void
  /** Uses up what we may send in a day, or lets a new day begin. */
  refuseUs(is: boolean): void
  logs(): string
  stop(): Promise<void>
}

/** @param reportUrl - where the pipe posts what comes back, with `secret` */
export function startServers(
  folder: string,
  ports: Ports,
  reportUrl: string,
  secret: string,
): Servers {
  chmodSync(folder, 0o755)
  const certificate = join(folder, 'cert.pem')
  const key = join(folder, 'key.pem')
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      certificate,
    ].concat(['-subj', '/CN=debian.host.test', '-addext', 'basicConstraints=CA:FALSE']),
    { stdio: 'ignore' },
  )

  const dovecot = join(folder, 'dovecot')
  mkdirSync(dovecot)
  const ours = join(folder, 'ours')
  mkdirSync(ours)
  const header = join(folder, 'report.header')
  writeFileSync(header, `Authorization: Bearer ${secret}\n`)
  const pipe = script(
    join(folder, 'usher-report'),
    `curl --silent --show-error --fail --max-time 30 --header @${header} \\
  --header 'Content-Type: message/rfc822' --data-binary @- ${reportUrl} || exit 75`,
  )
  // Asked of each mail, so that it counts at once, also over a connection that is open.
  let isRefused = false
  const policyServer = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () => {
      const action = isRefused ? '550 5.4.5 Daily user sending limit exceeded' : 'dunno'
      socket.write(`action=${action}\n\n`)
    })
  }).listen(ports.policy, '127.0.0.1')
  writeFileSync(
    join(ours, 'transport'),
    `bounces@usher.test usher:\nexample.test smtp:[127.0.0.1]:${ports.theirs}\n`,
  )
  const ourConfiguration = instance(
    ours,
    `${common(ours, 'mail.usher.test')}
virtual_mailbox_domains = usher.test
virtual_mailbox_maps = inline:{ bounces@usher.test=bounces/ returns@usher.test=returns/ }
transport_maps = texthash:${ours}/transport
message_size_limit = 200000
smtpd_tls_cert_file = ${certificate}
smtpd_tls_key_file = ${key}
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = ${dovecot}/auth
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
`,
    `${ports.ours} inet n - n - - smtpd
${ports.submission} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_delay_reject=no
  -o smtpd_sender_restrictions=check_policy_service,inet:127.0.0.1:${ports.policy}
usher unix - n n - 4 pipe
  flags=O user=nobody argv=${pipe}
`,
  )

  const theirs = join(folder, 'theirs')
  mkdirSync(theirs)
  const greylist = join(theirs, 'greylist')
  writeFileSync(greylist, 'grey@example.test 450 4.7.1 Greylisted, try again\n')
  // After it was taken: what a filter or a mailbox says behind the server that took it.
  const later = script(
    join(theirs, 'later'),
    'cat > /dev/null; echo "5.1.1 No such user here"; exit 67',
  )
  const policy = script(
    join(theirs, 'policy'),
    'cat > /dev/null; echo "5.7.1 Sending IP is blocked"; exit 77',
  )
  writeFileSync(
    join(theirs, 'transport'),
    `later@example.test later:\npolicy@example.test policy:\nusher.test smtp:[127.0.0.1]:${ports.ours}\n`,
  )
  const names = ['there', 'jörg', 'later', 'policy', 'grey', 'box-later']
  writeFileSync(
    join(theirs, 'mailboxes'),
    names.map((name) => `${name}@example.test ${name === 'jörg' ? 'joerg' : name}/\n`).join(''),
  )
  appendFileSync(join(theirs, 'transport'), 'box-later@example.test later:\n')
  const theirConfiguration = instance(
    theirs,
    `${common(theirs, 'mx.example.test')}
virtual_mailbox_domains = example.test
virtual_mailbox_maps = texthash:${theirs}/mailboxes
transport_maps = texthash:${theirs}/transport
smtpd_recipient_restrictions = check_recipient_access texthash:${greylist}
smtpd_relay_restrictions = reject_unauth_destination
`,
    `${ports.theirs} inet n - n - - smtpd
later unix - n n - - pipe
  flags=R user=nobody argv=${later}
policy unix - n n - - pipe
  flags=R user=nobody argv=${policy}
`,
  )

  writeFileSync(
    join(dovecot, 'dovecot.conf'),
    `base_dir = ${dovecot}/run
state_dir = ${dovecot}/state
log_path = ${dovecot}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <${certificate}
ssl_key = <${key}
mail_location = maildir:${ours}/mail/%n
first_valid_uid = 1
passdb {
  driver = static
  args = password=${PASSWORD}
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=${ours}/mail/%n
}
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = ${ports.imap}
    ssl = yes
  }
}
service auth {
  unix_listener ${dovecot}/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
`,
  )
  const master = join(
    execFileSync('postconf', ['-h', 'daemon_directory']).toString().trim(),
    'master',
  )
  const running = [
    spawn('dovecot', ['-F', '-c', join(dovecot, 'dovecot.conf')], { stdio: 'ignore' }),
    ...[ourConfiguration, theirConfiguration].map((configuration) => {
      // Makes the folders of a queue; `start` would leave the foreground.
      execFileSync('postfix', ['-c', configuration, 'check'])
      return spawn(master, ['-c', configuration, '-d'], { stdio: 'ignore' })
    }),
  ]
  const reload = (configuration: string) => {
    execFileSync('postfix', ['-c', configuration, 'reload'], { stdio: 'ignore' })
  }

  return {
    certificate,
    mailbox(name) {
      const found = execFileSync('sh', [
        '-c',
        `cat ${theirs}/mail/${name}/new/* 2> /dev/null || true`,
      ])
      return found.toString('latin1')
    },
    letThrough() {
      writeFileSync(greylist, '')
      reload(theirConfiguration)
    },
    refuseUs(is) {
      isRefused = is
    },
    logs: () => [ours, theirs].map((of) => readFileSync(join(of, 'log'), 'utf8')).join('\n'),
    async stop() {
      policyServer.close()
      for (const each of running) {
        const ended = each.exitCode === null && new Promise((resolve) => each.once('exit', resolve))
        each.kill('SIGTERM')
        await ended
      }
    },
  }
}
