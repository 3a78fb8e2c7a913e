/**
 * Certificates that are trusted beside those of the system.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto'
import { checkServerIdentity, type PeerCertificate, rootCertificates } from 'node:tls'

/** The certificates of a text. Throws where one is none. */
export function toCertificates(pem: string): X509Certificate[] {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  return found.map((one) => new X509Certificate(one))
}

/**
 * Options of TLS that believe what `ca` holds: certificates of authorities, and a server's own, of which no more is asked
 * than that it is the same. Debian's is for the name of the machine, and we may call it localhost.
 */
export function trust(ca: string) {
  const own = toCertificates(ca).map(({ fingerprint256 }) => fingerprint256)
  return {
    ca: [...rootCertificates, ca],
    checkServerIdentity: (host: string, certificate: PeerCertificate) =>
      own.includes(certificate.fingerprint256) ? undefined : checkServerIdentity(host, certificate),
  }
}
