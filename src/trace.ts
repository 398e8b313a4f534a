import { channel } from 'node:diagnostics_channel';
import createDebug from 'debug';
import { harmless } from './inspect/printable.js';

/** The rooms that can be listened to. `DEBUG=tls-smtp:server` prints one of them, `DEBUG=tls-smtp:*` all. */
export type Room = 'client' | 'credentials' | 'hostlist' | 'server' | 'starttls';

/**
 * Gives a room its voice: a `debug` namespace and a diagnostics channel, both named `tls-smtp:<room>`.
 * With nobody listening an event costs two flag tests, so build the facts only from values at hand.
 *
 * Each text of an event is made harmless here, for all rooms and both ways out: whoever listens may print it as it comes.
 */
export function voice<Event extends { readonly type: string }>(room: Room): (event: Event) => void {
  const name = `tls-smtp:${room}`;
  const debug = createDebug(name);
  const diagnostics = channel(name);
  return (event) => {
    if (!debug.enabled && !diagnostics.hasSubscribers) return;
    const told = harmlessCopy(event);
    if (debug.enabled) debug('%s %o', event.type, told);
    if (diagnostics.hasSubscribers) diagnostics.publish(told);
  };
}

/** A copy with the texts made harmless; what is neither text, array nor plain object stays as it is. */
function harmlessCopy(value: unknown): unknown {
  if (typeof value === 'string') return harmless(value);
  if (Array.isArray(value)) return value.map(harmlessCopy);
  if (typeof value !== 'object' || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, harmlessCopy(one)]));
}
