import { type Chunk, ChunkDecoder } from '../smtp/bdat.js';
import type { Reply } from '../smtp/reply.js';
import type { Intake } from './intake.js';
import { MessageReception, mostOctetsRead, type ReceptionEvents } from './reception.js';
import type { VerbContext } from './verbs.js';

/**
 * What the octets behind a BDAT go to.
 *
 * @param reply - to the command: 354 is not said, and the octets are the message's; any other is said behind them
 */
export function intakeOfChunk(context: VerbContext, chunk: Chunk, reply: Reply, events: ReceptionEvents): Intake {
  if (reply.code !== 354) return refusedChunk(context, chunk, reply);
  const decoder = new ChunkDecoder(chunk);
  return context.conversation.message?.next(decoder) ?? new MessageReception(context, decoder, events);
}

/**
 * Reads the octets all the same, and drops them: they must not be run as commands (RFC 3030 §2).
 *
 * The transaction is over. What the client has sent behind this chunk, before it knew, may be the LAST one: a message
 * without its middle must not be accepted.
 */
function refusedChunk(context: VerbContext, chunk: Chunk, reply: Reply): Intake {
  context.conversation.reset('a chunk was refused');
  const decoder = new ChunkDecoder(chunk);
  return {
    full: false,
    endless: chunk.octets > mostOctetsRead(context.limits),
    read: (octets) => decoder.decode(octets, 0, () => {}),
    end: () => reply,
  };
}
