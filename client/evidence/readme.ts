/**
 * The README.txt of a package: what is in it, and how to check it by hand.
 *
 * @module
 */
import type { Manifest } from './manifest.ts'
import { TABLES } from './tables.ts'

const WIDTH = 100

export function readme(about: Omit<Manifest, 'files'>): string {
  const { organisation, since, until, collected_at, trail } = about
  return `Evidence of access rights: ${organisation.name}
From ${since} to ${until}, collected ${collected_at}. All times are ISO 8601.

report.html is for reading and printing. Everything else is for checking.

WHAT IS IN IT

tables/*.json and tables/*.csv say the same. In CSV, several values in a cell are parted by spaces.

${TABLES.map(({ name, title, about }) => wrap(`${name}: ${title}. ${about}`)).join('\n\n')}

trail/events.json, .csv: what happened, one event after the other, readable.
trail/proof.jsonl: the same events as the texts that were sealed, with their hashes.
trail/seals.json, .csv: the chain of seals.
manifest.json, SHA256SUMS: the SHA-256 of every file.
${
  about.has_member_addresses && about.has_invite_addresses
    ? ''
    : '\nSome addresses are left out: whoever exported this package may not see them.\n'
}
HOW TO CHECK IT

With Usher's source at hand, offline: npm run evidence:verify -- <this file>.zip

By hand, in the unpacked folder:

1. Every file is as it was packed:

     sha256sum -c SHA256SUMS

   Compare the sum of manifest.json with the one that was shown when the package was made, if you have
   noted it: whoever can change a file can also change the sums.

2. An event is as it was sealed. Both lines have to show the same:

     head -n 1 trail/proof.jsonl | jq -j .event | sha256sum
     head -n 1 trail/proof.jsonl | jq -r .event_hash

   What is personal (reason, address of the computer, browser) has a hash of its own, with a salt before it:

     head -n 1 trail/proof.jsonl | jq -j '.personal_salt' | xxd -r -p > salt
     head -n 1 trail/proof.jsonl | jq -j .personal | cat salt - | sha256sum
     head -n 1 trail/proof.jsonl | jq -r .personal_hash

3. A seal covers its events and the seal before. For seal ${trail.first_seal ?? 1}, both lines have to show the same:

     n=${trail.first_seal ?? 1}
     { jq -r ".[] | select(.number == $n - 1) | .hash" trail/seals.json
       jq -r "select(.seal_number == $n) | .event_hash + .personal_hash" trail/proof.jsonl
     } | xxd -r -p | sha256sum
     jq -r ".[] | select(.number == $n) | .hash" trail/seals.json

4. The newest seal is number ${trail.head_seal}, and its hash is

     ${trail.head_hash ?? '(none)'}

   If somebody outside of the organisation has noted the hash of any seal before, such as from an earlier
   package, it has to be in trail/seals.json under the same number.

WHAT IT PROVES

${wrap(
  'That nothing in the sealed events of this package was changed, left out, put in or moved, as long as one hash of the chain is known from elsewhere: from an earlier package, from a note of the newest hash, or from the sum of manifest.json. Seals have no secret key, so anyone can check them, and whoever owns the database could compute a whole new chain; only a hash that they cannot change tells.',
)}

${wrap(
  'The tables are made from the trail and from the database as it was when this was collected. That they are as they were packed is told by the sums only.',
)}
`
}

/** At most {@link WIDTH} characters a line. */
function wrap(text: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line && line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = word
    } else {
      line = line ? `${line} ${word}` : word
    }
  }
  return [...lines, line].join('\n')
}
