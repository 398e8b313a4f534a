import { channel } from 'node:diagnostics_channel';
import createDebug from 'debug';

/** The rooms that can be listened to. `DEBUG=tls-smtp:server` prints one of them, `DEBUG=tls-smtp:*` all. */
export type Room = 'client' | 'credentials' | 'hostlist' | 'server' | 'starttls';

/**
 * Gives a room its voice: a `debug` namespace and a diagnostics channel, both named `tls-smtp:<room>`.
 * With nobody listening an event costs two flag tests, so build the facts only from values at hand.
 *
 * Facts are structured and go through `%o`, which escapes: a peer's CR, LF or ESC never reaches a terminal raw.
 */
export function voice<Event extends { readonly type: string }>(room: Room): (event: Event) => void {
  const name = `tls-smtp:${room}`;
  const debug = createDebug(name);
  const diagnostics = channel(name);
  return (event) => {
    if (debug.enabled) debug('%s %o', event.type, event);
    if (diagnostics.hasSubscribers) diagnostics.publish(event);
  };
}
