/** A client of a declaration server that declares one job after the other. */
import { firstValueFrom, timeout } from 'rxjs';
import { bytesToHex } from '../../../src/codec/hex.js';
import {
  AllocateMiningJobToken,
  DeclareMiningJob,
  jobDeclarationSetupFlags,
  ProvideMissingTransactionsSuccess,
  SetupConnection,
  type Message,
} from '../../../src/messages/index.js';
import type { Connector } from '../../../src/transport/connection.js';
import type { BlockTemplate } from '../../../src/roles/template-provider/block-source.js';
import { inbox, patience } from '../support/inbox.js';
import type { MutatedDeclaration } from './mutations.js';

/** What became of a declaration. */
export interface Judgement {
  /** `ok`, or the error code. */
  readonly verdict: string;
  /** Whether transactions were asked for. */
  readonly asked: boolean;
}

/** See {@link declarer}. */
export interface Declarer {
  declare(declaration: MutatedDeclaration): Promise<Judgement>;
  close(): void;
}

/** Connects to a declaration server. Transactions that it asks for and that nobody has are answered with another. */
export const declarer = async (
  name: string,
  connector$: Connector,
  { transactions }: BlockTemplate,
): Promise<Declarer> => {
  const connection = await firstValueFrom(connector$.pipe(timeout(patience)));
  const received = inbox<Message>(name);
  const subscription = connection.message$.subscribe({
    next: (message) => received.push(message),
    error: (error: unknown) => received.fail(new Error(`${name}: ${String(error)}`)),
    complete: () => received.fail(new Error(`${name} has closed the connection`)),
  });
  const answer = () => received.take('an answer', () => true);
  const dataOf = new Map(transactions.map(({ wtxid, data }) => [bytesToHex(wtxid), data]));
  const another = transactions[0]?.data ?? new Uint8Array(0);

  connection.send(
    SetupConnection({
      ...{ protocol: 1, minVersion: 2, maxVersion: 2, flags: jobDeclarationSetupFlags.declareTxData },
      ...{
        endpointHost: '',
        endpointPort: 0,
        vendor: 'interop',
        hardwareVersion: '',
        firmware: '',
        deviceId: '',
      },
    }),
  );
  await received.take('SetupConnection.Success', ({ type }) => type === 'SetupConnection.Success');

  const token = async (): Promise<Uint8Array> => {
    connection.send(AllocateMiningJobToken({ userIdentifier: 'interop', requestId: 1 }));
    const allocated = await answer();
    if (allocated.type !== 'AllocateMiningJobToken.Success')
      throw new Error(`${name}: expected a token, got ${allocated.type}`);
    return allocated.miningJobToken.slice();
  };

  return {
    async declare({ message, hasToken }) {
      const miningJobToken = hasToken ? await token() : new Uint8Array(8).fill(0xee);
      connection.send(DeclareMiningJob({ ...message, miningJobToken }));
      let judged = await answer();
      const asked = judged.type === 'ProvideMissingTransactions';
      if (judged.type === 'ProvideMissingTransactions') {
        const transactionList = judged.unknownTxPositionList.map(
          (position) => dataOf.get(bytesToHex(message.wtxidList[position] ?? new Uint8Array(0))) ?? another,
        );
        const { requestId } = message;
        connection.send(ProvideMissingTransactionsSuccess({ requestId, transactionList }));
        judged = await answer();
      }
      if (judged.type === 'DeclareMiningJob.Success') return { verdict: 'ok', asked };
      if (judged.type === 'DeclareMiningJob.Error') return { verdict: judged.errorCode, asked };
      throw new Error(`${name}: expected a verdict, got ${judged.type}`);
    },
    close() {
      subscription.unsubscribe();
      connection.close();
    },
  };
};
