/**
 * A certificate for hooks.example.test that nobody trusts, but for who is told to. Made with
 * `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500
 * -subj "/CN=hooks.example.test" -addext "subjectAltName=DNS:hooks.example.test"
 * -addext "basicConstraints=critical,CA:FALSE"`
 *
 * @module
 */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBrjCCAVOgAwIBAgIUS61f3n4/9NYLFz50dY8ylhYv+EgwCgYIKoZIzj0EAwIw
HTEbMBkGA1UEAwwSaG9va3MuZXhhbXBsZS50ZXN0MCAXDTI2MTEyMTE1MDQyNloY
DzIxMjYxMDI4MTUwNDI2WjAdMRswGQYDVQQDDBJob29rcy5leGFtcGxlLnRlc3Qw
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASGpjvJLFccuD5/LmXXM48NACt5NEwq
a7JFRcqZnhDvrw18L/KaFg2vm9tbuhkDSPoWhvbX2QbqKMlcq+s0xi1Oo28wbTAd
BgNVHQ4EFgQUzkkPtUUJFfKH7zMpdY8IqBl9I7cwHwYDVR0jBBgwFoAUzkkPtUUJ
FfKH7zMpdY8IqBl9I7cwHQYDVR0RBBYwFIISaG9va3MuZXhhbXBsZS50ZXN0MAwG
A1UdEwEB/wQCMAAwCgYIKoZIzj0EAwIDSQAwRgIhAIItmaec5yLe3oS35eIs0AcU
5IMeJKIvHyUgsAtIvuz7AiEAodqOeJrU1xlbWBJuTAD2i+L/UHNq69lX3vyI1WJ9
Frg=
-----END CERTIFICATE-----
`

export const privateKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHwp3OR5wRKkvTMAe
YV2bo0UTmfUYf6o4o0RXCZkePomhRANCAASGpjvJLFccuD5/LmXXM48NACt5NEwq
a7JFRcqZnhDvrw18L/KaFg2vm9tbuhkDSPoWhvbX2QbqKMlcq+s0xi1O
-----END PRIVATE KEY-----
`
