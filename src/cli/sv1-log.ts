import type { Sv1MinerEvent } from '../roles/translator/sv1-miners.js';
import { quoted } from './printable.js';
import { info, trouble, type LogLine } from './log-line.js';

/** The line that tells what happened at a miner of Stratum V1; nothing for what the log of its channel has. */
export function sv1Line({ address, outcome }: Sv1MinerEvent): LogLine | undefined {
  const who = `miner ${address}`;
  switch (outcome.type) {
    case 'Sv1Subscribed': {
      const { userAgent } = outcome;
      return info(
        `${who} subscribed${userAgent === null ? ' and does not say what it is' : `: ${quoted(userAgent)}`}`,
        'sv1 subscribed',
      );
    }
    case 'Sv1Authorized':
      return info(`${who} mines for ${quoted(outcome.user)}`, 'sv1 authorised');
    case 'Sv1Unauthorized':
      return trouble(`${who} may not mine for ${quoted(outcome.user)}`, 'sv1 unauthorised');
    case 'Sv1ShareRejected': {
      const { user, error, reason } = outcome;
      return trouble(
        `${who}: a share of ${quoted(user)} was rejected: ${quoted(reason)} (${error.code})`,
        `sv1 rejected: ${error.code}`,
      );
    }
    case 'Sv1ShareLost':
      return trouble(
        `${who}: a share that was accepted was rejected later: ${quoted(outcome.errorCode)}`,
        `sv1 lost: ${outcome.errorCode}`,
      );
    case 'Sv1Nonsense':
      return trouble(`${who} sent what makes no sense: ${quoted(outcome.reason)}`, 'sv1 nonsense');
    case 'Sv1Ended':
      return trouble(`${who} has to go: ${quoted(outcome.reason)}`, `sv1 ended: ${outcome.code}`);
    case 'Sv1ShareAccepted':
    case 'Sv1JobSent':
    case 'Sv1CoinbaseTooLong': // it has to go, which says why
      return undefined;
  }
}
