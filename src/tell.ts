/**
 * Emits an event of ours. What a listener throws is its own fault and surfaces as such, an `uncaughtException`; but a turn
 * later, so that it cannot stop in its middle what we were about: a socket left behind, a clock that stands. Node's
 * diagnostics_channel does the same.
 */
export function tell(emit: () => void): void {
  try {
    emit();
  } catch (thrown) {
    process.nextTick(() => {
      throw thrown;
    });
  }
}
