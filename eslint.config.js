import { builtinModules } from 'node:module';
import eslint from '@eslint/js';
import rxjsX from 'eslint-plugin-rxjs-x';
import tseslint from 'typescript-eslint';

/** The layers of src, in the order in which they may build on each other. */
const layers = [
  'codec',
  'messages',
  'framing',
  'crypto',
  'noise',
  'transport',
  'service',
  'sv1',
  'bitcoin',
  'mining',
  'declaration',
  'ledger',
  'roles',
  'observe',
  'testing',
  'node',
  'dashboard',
  'cli',
];

/** What only Node.js has, and what only browsers have: the other layers run in both. */
const platformGlobals = [
  ...['Buffer', 'process', 'global', 'require', 'module', 'exports', '__dirname', '__filename', 'NodeJS'],
  ...['setImmediate', 'clearImmediate'],
  ...['window', 'document', 'navigator', 'location', 'localStorage', 'sessionStorage', 'self'],
];
const nodeModules = builtinModules.filter((name) => !name.includes('/')).join('|');
/** Ways past the rules about globals and imports: modules asked for at run time, `globalThis` by another type or name. */
const platformSyntax = [
  `ImportExpression > Literal[value=/^(node:|(${nodeModules})($|\\x2f))/]`,
  'ImportExpression > :not(Literal).source',
  "TSAsExpression > Identifier[name='globalThis'], TSTypeAssertion > Identifier[name='globalThis']",
  "VariableDeclarator[id.type='Identifier'][init.name='globalThis']",
  "TSImportType Literal[value=/^node:/], TSTypeReference > TSQualifiedName[left.name='NodeJS']",
];
const platformMessage = 'Only src/node and src/cli may use Node.js, only src/dashboard what browsers have.';

/** Imports and globals that the layer order rules out, one configuration a layer. */
const layerRules = layers.map((layer, index) => {
  const above = layers.slice(index + 1);
  const mayUseNode = layer === 'node' || layer === 'cli';
  const mayUsePlatform = mayUseNode || layer === 'dashboard';
  return {
    files: [`src/${layer}/**/*.{ts,tsx}`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: mayUseNode ? [] : builtinModules.map((name) => ({ name, message: platformMessage })),
          patterns: [
            ...above.map((name) => ({
              group: [`../${name}/*`, `../../${name}/*`],
              message: `${layer} may not build on ${name}: see the order of layers in eslint.config.js.`,
            })),
            {
              group: ['../index.js', '../node.js', '../observe.js', '../testing.js', 'rx-sv2', 'rx-sv2/*'],
              message: 'Inside src, import the module itself, not an entry point.',
            },
            ...(mayUseNode ? [] : [{ group: ['node:*'], message: platformMessage }]),
            ...(layer === 'crypto'
              ? []
              : [{ group: ['@noble/*'], message: 'Only src/crypto may use noble: see CryptoProvider.' }]),
          ],
        },
      ],
      ...(mayUsePlatform
        ? {}
        : {
            'no-restricted-globals': [
              'error',
              ...platformGlobals.map((name) => ({ name, message: platformMessage })),
            ],
            '@typescript-eslint/no-restricted-types': [
              'error',
              { types: { Buffer: { message: platformMessage } } },
            ],
            'no-restricted-syntax': [
              'error',
              ...platformSyntax.map((selector) => ({ selector, message: platformMessage })),
            ],
            'no-restricted-properties': [
              'error',
              ...platformGlobals.map((property) => ({
                object: 'globalThis',
                property,
                message: platformMessage,
              })),
            ],
          }),
    },
  };
});

/** Streams end in `$`; functions that return them do not. */
const finnish = {
  functions: false,
  methods: false,
  strict: false,
  // fixed names of the public API, and functions by another name (tested together with their type annotation)
  names: {
    '^(templateProviders?|pool|declarator|connectors|listen|listener|connect|connector|toServer|toClient|mining|jobDeclaration|templateDistribution)\\b': false,
    '([Hh]andler|[Oo]perator|[Cc]onnector|[Hh]asher|project|route|request|respond|start|finish|inTurn|dispatch|run|with|delay|notifier|factory|prepare)\\b': false,
  },
};

export default tseslint.config(
  { ignores: ['dist', 'dist.*', 'coverage', 'node_modules', '**/target'] },
  eslint.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommendedTypeChecked, rxjsX.configs.recommended],
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      'no-console': 'error',
      // objects here are closures, not classes: their methods do not use `this`
      '@typescript-eslint/unbound-method': 'off',
      'rxjs-x/finnish': ['error', finnish],
      'rxjs-x/no-ignored-subscription': 'error',
      'rxjs-x/no-nested-subscribe': 'error',
      'rxjs-x/no-subject-unsubscribe': 'error',
      'rxjs-x/no-unsafe-takeuntil': 'error',
      'rxjs-x/no-exposed-subjects': 'error',
    },
  },
  ...layerRules,
  {
    // programs a newcomer reads: they print, and name operators in plain words
    files: ['examples/**/*.ts'],
    rules: { 'no-console': 'off', 'rxjs-x/finnish': 'off', 'rxjs-x/no-implicit-any-catch': 'off' },
  },
  {
    // specs name handlers and helpers that return Observables in plain words; streams still end in $
    files: ['spec/**/*.ts', 'marbles/**/*.ts'],
    rules: {
      'rxjs-x/finnish': ['error', { ...finnish, parameters: false, variables: false, objects: false }],
    },
  },
  {
    files: ['spec/adversary/**/*.ts', 'spec/bench/**/*.ts', 'spec/soak/**/*.ts', 'spec/**/*.bench.ts'],
    rules: { 'no-console': 'off' },
  },
);
