/**
 * Stands in for the parts of supabase-js that the console does not use: realtime and storage. They
 * are an eighth of what an invitee would have to fetch.
 *
 * @module
 */

export class RealtimeClient {
  async setAuth() {}
}

export class RealtimeChannel {}

export class StorageClient {}

export class StorageApiError extends Error {}
