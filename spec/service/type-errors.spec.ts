/** What the compiler says of the common mistakes: one line that can be read. */
import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const given = `
import { NEVER, of, type Observable } from 'rxjs';
import { U16 } from './src/codec/index.js';
import { defineMessage, NewTemplate, SubmitSharesSuccess, UpdateChannel, type MiningToServer } from './src/messages/index.js';
import {
  createClient, createServer, ofMessage, send, sendToServer,
  type MiningClientHandler, type MiningServerHandler, type ServerEvent,
} from './src/service/index.js';
import type { Connector } from './src/transport/connection.js';

declare const connect: Connector;
declare const forClients: MiningServerHandler;
declare const forServers: MiningClientHandler;
declare const event$: Observable<ServerEvent<MiningToServer>>;
declare const accepted: SubmitSharesSuccess;
declare const update: UpdateChannel;
const Telemetry = defineMessage('Telemetry', {
  protocol: 'mining', sentBy: 'client', extensionType: 0x4001, messageType: 0, channelMessage: false,
  fields: { temperature: U16 },
});
`;

const mistakes = [
  [
    'createServer({ listen: NEVER, mining: () => of(accepted) });',
    'the mining handler emits the message SubmitShares.Success itself; send(clientId, …) sends it',
  ],
  [
    'createClient({ mining: { connect, handler: () => of(update) } });',
    'the mining handler emits the message UpdateChannel itself; sendToServer(…) sends it',
  ],
  [
    'createServer({ listen: NEVER, mining: forServers });',
    'the mining handler is one of a client, and this is a server',
  ],
  [
    'createServer({ listen: NEVER, mining: { handler: forServers } });',
    'the mining handler is one of a client, and this is a server',
  ],
  [
    'createClient({ mining: { connect, handler: forClients } });',
    'the mining handler is one of a server, and this is a client',
  ],
  [
    'createServer({ listen: NEVER, mining: () => of(sendToServer()) });',
    'the mining handler is one of a client, and this is a server',
  ],
  [
    "export const undeclared: MiningServerHandler = () => of({ type: 'ShareAccepted' as const });",
    `Type 'Observable<{ type: "ShareAccepted"; }>' is not assignable to type 'Observable<ServerEffect | HandlerError>'.`,
  ],
  ['send(1, Telemetry);', 'Telemetry makes a message when it is called: Telemetry({ … })'],
  ['sendToServer(NewTemplate);', 'NewTemplate makes a message when it is called: NewTemplate({ … })'],
  ["send(1, { type: 'NewTemplate' });", 'this is no NewTemplate: NewTemplate({ … }) makes one'],
  [
    'event$.pipe(ofMessage(NewTemplate));',
    'a handler of this side and subprotocol never receives NewTemplate',
  ],
] as const;

/** What the compiler says of each line that follows `given`. */
function complaints(lines: readonly string[]): readonly string[] {
  const path = resolve('mistakes.ts');
  const source = [...given.split('\n'), ...lines].join('\n');
  const { config } = ts.readConfigFile('tsconfig.json', (name) => ts.sys.readFile(name)) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(
    { ...config.compilerOptions, noUnusedLocals: false, noErrorTruncation: true },
    '.',
  );
  const host = ts.createCompilerHost(options);
  const { getSourceFile, readFile, fileExists } = host;
  host.getSourceFile = (name, ...rest) =>
    resolve(name) === path
      ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2022)
      : getSourceFile(name, ...rest);
  host.readFile = (name) => (resolve(name) === path ? source : readFile(name));
  host.fileExists = (name) => resolve(name) === path || fileExists(name);
  const program = ts.createProgram([path], options, host);
  const file = program.getSourceFile(path);
  const said = lines.map(() => '');
  const before = given.split('\n').length;
  for (const { start = 0, messageText } of program.getSemanticDiagnostics(file)) {
    const line = (file?.getLineAndCharacterOfPosition(start).line ?? 0) - before;
    if (line < 0) throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
    said[line] ??= '';
    said[line] += ts.flattenDiagnosticMessageText(messageText, '\n');
  }
  return said;
}

describe('what the compiler says of a mistake', () => {
  const said = complaints(['send(1, accepted);', ...mistakes.map(([line]) => line)]);

  it('is nothing where there is none', () => {
    expect(said[0]).toBe('');
  });

  it.each(mistakes.map(([line, sentence], index) => [line, sentence, said[index + 1]]))(
    '%s: %s',
    (_, sentence, complaint) => {
      expect(complaint).toContain(sentence);
    },
  );
});
