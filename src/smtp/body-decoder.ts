/** What is done with a CR or LF without the other. */
export type BareNewlines = 'reject' | 'normalize';

/** Takes a message's body out of received octets, chunk by chunk, and knows where it ends. */
export interface BodyDecoder {
  /** Whether the body so far holds a CR or LF that nobody may pass on (RFC 5321 §2.3.8); the session refuses such a message. */
  readonly bareNewline: boolean;
  /** Whether the message is whole when {@link decode} has found its end: all but a BDAT without LAST. */
  readonly whole: boolean;
  /**
   * @param chunk - octets from the wire; what of them is read already may be written to
   * @param from - where the body goes on in it
   * @param take - gets the body's part of the chunk, if any, for as long as its call lasts: the memory is used again
   * @returns the index behind the end; -1 where the body goes on in the next chunk
   */
  decode(chunk: Buffer, from: number, take: (slice: Buffer) => void): number;
}
