import type { BadLine } from '../smtp/command.js';
import { fixedReply, type Reply } from '../smtp/reply.js';

/** The replies that the session and its verbs share. */
export const replies: Readonly<Record<ReplyName, Reply>> = Object.freeze({
  ok: fixedReply(250, '2.0.0', 'OK'),
  senderOk: fixedReply(250, '2.1.0', 'Sender OK'),
  recipientOk: fixedReply(250, '2.1.5', 'Recipient OK'),
  messageOk: fixedReply(250, '2.0.0', 'Message accepted'),
  chunkOk: fixedReply(250, '2.0.0', 'Chunk received'),
  startMail: fixedReply(354, null, 'Start mail input; end with <CRLF>.<CRLF>'),
  bye: fixedReply(221, '2.0.0', 'Bye'),
  lineTooLong: fixedReply(500, '5.5.2', 'Line too long, closing'),
  bareLf: fixedReply(500, '5.5.2', 'lines end with CRLF'),
  badChunk: fixedReply(501, '5.5.4', 'Syntax: BDAT size [LAST], closing'),
  unknown: fixedReply(500, '5.5.2', 'Command not recognized'),
  notSmtp: fixedReply(421, '4.7.0', 'This is an SMTP server, closing'),
  unknownParameter: fixedReply(555, '5.5.4', 'Parameter not recognized'),
  asciiOnly: fixedReply(553, '5.6.7', 'Addresses are ASCII, or the transaction is SMTPUTF8'),
  nul: fixedReply(501, '5.5.2', 'NUL characters are not allowed'),
  unprintable: fixedReply(501, '5.5.2', 'Commands are printable ASCII'),
  tooManyErrors: fixedReply(421, '4.7.0', 'Too many errors, closing'),
  tooManyCommands: fixedReply(421, '4.7.0', 'Too many commands without a message, closing'),
  tooManyConnections: fixedReply(421, '4.7.0', 'Too many connections, try again later'),
  tooManyOfYours: fixedReply(421, '4.7.0', 'Too many connections from your address, try again later'),
  timeout: fixedReply(421, '4.4.2', 'Timeout, closing'),
  stuck: fixedReply(421, '4.3.0', 'Local problem, try again later'),
  shutdown: fixedReply(421, '4.3.2', 'Service shutting down'),
  tooLarge: fixedReply(552, '5.3.4', 'Message too large'),
  bareNewlines: fixedReply(550, '5.5.2', 'Message refused: lines end with CRLF'),
  forbidden: fixedReply(554, '5.7.1', 'No service for you'),
});

type ReplyName =
  | 'ok'
  | 'senderOk'
  | 'recipientOk'
  | 'messageOk'
  | 'chunkOk'
  | 'startMail'
  | 'bye'
  | 'lineTooLong'
  | 'bareLf'
  | 'badChunk'
  | 'unknown'
  | 'notSmtp'
  | 'unknownParameter'
  | 'asciiOnly'
  | 'nul'
  | 'unprintable'
  | 'tooManyErrors'
  | 'tooManyCommands'
  | 'tooManyConnections'
  | 'tooManyOfYours'
  | 'timeout'
  | 'stuck'
  | 'shutdown'
  | 'tooLarge'
  | 'bareNewlines'
  | 'forbidden';

/** What is said to a line that is no command. */
export function badLineReply(problem: BadLine): Reply {
  if (problem === 'nul') return replies.nul;
  return problem === 'empty' ? replies.unknown : replies.unprintable;
}
