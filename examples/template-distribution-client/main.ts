/** Follows a template provider and prints what the next block would be worth. */
import { merge, map } from 'rxjs';
import {
  CoinbaseOutputConstraints,
  createClient,
  NewTemplate,
  ofEvent,
  ofMessage,
  parseStratumUrl,
  sendToServer,
  SetNewPrevHashTemplate,
  toDisplayHex,
  type TemplateDistributionClientHandler,
} from 'rx-sv2';
import { connect } from 'rx-sv2/node';

/** What this program shows: its own outcomes, beside those of every client. */
type Shown =
  | { readonly type: 'Template'; readonly id: bigint; readonly future: boolean; readonly satoshis: bigint }
  | { readonly type: 'Tip'; readonly prevHash: string };

const handler: TemplateDistributionClientHandler<Shown> = (event$) =>
  merge(
    // a template provider sends nothing until it knows how much room the coinbase needs
    event$.pipe(
      ofEvent('connected'),
      map(() =>
        sendToServer(
          CoinbaseOutputConstraints({
            coinbaseOutputMaxAdditionalSize: 100,
            coinbaseOutputMaxAdditionalSigops: 4,
          }),
        ),
      ),
    ),
    event$.pipe(
      ofMessage(NewTemplate),
      map(({ message: { templateId, futureTemplate, coinbaseTxValueRemaining } }) => ({
        type: 'Template' as const,
        id: templateId,
        future: futureTemplate,
        satoshis: coinbaseTxValueRemaining,
      })),
    ),
    event$.pipe(
      ofMessage(SetNewPrevHashTemplate),
      map(({ message }) => ({ type: 'Tip' as const, prevHash: toDisplayHex(message.prevHash) })),
    ),
  );

const url = process.argv[2] ?? 'stratum2+tcp://127.0.0.1:8442';
const hasKey = (provider: string) => parseStratumUrl(provider).authorityPublicKey !== undefined;
const client = createClient({
  templateDistribution: { connect: connect(url, { encrypted: hasKey(url) }), handler },
});

const subscription = client.start().subscribe({
  next: (outcome) => {
    if (outcome.type === 'connected') console.log(`connected to ${outcome.server.peer.address}`);
    if (outcome.type === 'Tip') console.log(`new tip ${outcome.prevHash}`);
    if (outcome.type === 'Template') {
      console.log(
        `${outcome.future ? 'future' : 'current'} template ${outcome.id} is worth ${outcome.satoshis} sat`,
      );
    }
  },
  error: (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
});
process.once('SIGINT', () => subscription.unsubscribe());
