/**
 * Stands in for the parts of supabase-js that the console does not use: realtime, storage and edge
 * functions. They are an eighth of what an invitee would have to fetch.
 *
 * @module
 */

export class RealtimeClient {
  async setAuth() {}
}

export class RealtimeChannel {}

export class StorageClient {}

export class StorageApiError extends Error {}

export class FunctionsClient {}

export class FunctionsError extends Error {}

export class FunctionsFetchError extends FunctionsError {}

export class FunctionsHttpError extends FunctionsError {}

export class FunctionsRelayError extends FunctionsError {}

export const FunctionRegion = {}
