import type { Peer } from '../peer.js';
import type { AclCommand } from '../policy/acl.js';
import { voice } from '../trace.js';

/** On the channel `tls-smtp:server`. */
export type ServerVoiceEvent =
  | { readonly type: 'connected'; readonly id: string; readonly peer: Peer }
  | { readonly type: 'turned-away'; readonly id: string; readonly peer: Peer; readonly reason: string }
  | { readonly type: 'refused'; readonly id: string; readonly command: AclCommand; readonly reason: string }
  | { readonly type: 'closed'; readonly id: string; readonly peer: Peer; readonly reason: string };

export const say: (event: ServerVoiceEvent) => void = voice<ServerVoiceEvent>('server');
