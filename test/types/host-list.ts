import { HostList, type HostListSource, type HostMatch, hostMatcher, type Peer } from '../../src/hostlist/index.js';

/** What the types of host lists promise; see public-types.ts. */

export function sources(peer: Peer): readonly HostListSource[] {
  const callback = async (one: Peer): Promise<boolean> => one.address === peer.address;
  // @ts-expect-error a callback answers with a boolean: a word would be taken for true
  hostMatcher(() => 'yes');
  return ['10.0.0.0/8', ['10.0.0.0/8'], HostList.parse('*'), callback, () => true];
}

export function answers(list: HostList, match: HostMatch): 'asked' | HostMatch['result'] {
  // @ts-expect-error a list is made by parse() alone
  new HostList('*');
  // @ts-expect-error an answer does not change after it was given
  match.result = 'yes';
  const sync = list.matchSync({});
  // @ts-expect-error without look-ups there may be no answer yet
  const result: HostMatch['result'] = sync.result;
  return sync.result.startsWith('needs-') ? 'asked' : result;
}
