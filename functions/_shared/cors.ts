/**
 * What pages may send to the doors.
 *
 * @module
 */

/** The headers that supabase-js sends: those that it says itself are its own, and those of a request with a body. */
export const CLIENT_HEADERS = [
  'authorization',
  'apikey',
  'content-type',
  'x-client-info',
  'x-retry-count',
  'x-supabase-api-version',
  'traceparent',
  'tracestate',
  'baggage',
]
