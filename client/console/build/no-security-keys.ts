/**
 * Stands in for passkeys and security keys in auth-js, which the console does not offer: a second factor is a code
 * of an app. A build fails when auth-js asks for more than stands here.
 *
 * @module
 */

function unavailable(): never {
  throw new Error('The console has no security keys.')
}

export class WebAuthnApi {}

export const webAuthnAbortService = {}

export const browserSupportsWebAuthn = () => false

export {
  unavailable as createCredential,
  unavailable as deserializeCredentialCreationOptions,
  unavailable as deserializeCredentialRequestOptions,
  unavailable as getCredential,
  unavailable as serializeCredentialCreationResponse,
  unavailable as serializeCredentialRequestResponse,
}
