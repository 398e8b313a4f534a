import { OptionError } from '../errors.js';
import type { HostMatch } from './host-match.js';
import type { UnknownRule } from './item-index.js';

/**
 * What a list is asked for. It decides what an undecided answer counts as, so that nobody gets by a rule because DNS fails.
 *
 * `require`: who must do something (use TLS). `verify`: who must show a certificate. `avoid`: for whom TLS is left out.
 * `advertise`: who is offered something. `permit`: who may do what others may not (go on in clear).
 */
export type HostListUse = 'require' | 'verify' | 'avoid' | 'advertise' | 'permit';

const DEFER_BELONGS: Readonly<Record<HostListUse, boolean>> = {
  require: true,
  verify: true,
  avoid: false,
  advertise: true,
  permit: false,
};

/**
 * Whether the peer belongs to a list that is used so: the answer where there is one, and the safe side where there is none.
 *
 * @throws {OptionError} for what is no answer, as `matchSync()` gives where something would have to be asked: it must not be
 *   read as a no
 */
export function belongs(match: HostMatch, use: HostListUse): boolean {
  assertUse(use);
  if (match?.result !== 'yes' && match?.result !== 'no' && match?.result !== 'defer') {
    throw new OptionError('match', "must be what HostList.match() gives, with the result 'yes', 'no' or 'defer'");
  }
  return match.result === 'defer' ? DEFER_BELONGS[use] : match.result === 'yes';
}

/**
 * How a list of this use is to be asked: the `use` of {@link HostList.match}.
 * @throws {OptionError} for a use that there is not
 */
export function unknownRule(use: HostListUse): UnknownRule {
  assertUse(use);
  return use === 'require' || use === 'verify' ? 'require' : 'other';
}

function assertUse(use: HostListUse): void {
  if (!Object.hasOwn(DEFER_BELONGS, use)) {
    throw new OptionError('use', `must be one of ${Object.keys(DEFER_BELONGS).join(', ')}`);
  }
}
