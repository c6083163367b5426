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
  'bitcoin',
  'mining',
  'roles',
  'testing',
  'node',
  'cli',
];

/** Imports that the layer order rules out, one configuration a layer. */
const layerRules = layers.map((layer, index) => {
  const above = layers.slice(index + 1);
  const mayUseNode = layer === 'node' || layer === 'cli';
  return {
    files: [`src/${layer}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            ...above.map((name) => ({
              group: [`../${name}/*`, `../../${name}/*`],
              message: `${layer} may not build on ${name}: see the order of layers in eslint.config.js.`,
            })),
            {
              group: ['../index.js', '../node.js', '../testing.js', 'rx-sv2', 'rx-sv2/*'],
              message: 'Inside src, import the module itself, not an entry point.',
            },
            ...(mayUseNode
              ? []
              : [{ group: ['node:*'], message: 'Only src/node and src/cli may use Node.js.' }]),
          ],
        },
      ],
    },
  };
});

export default tseslint.config(
  { ignores: ['dist', 'coverage', 'node_modules', 'spec/interop/sri-peer/target'] },
  eslint.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  rxjsX.configs.recommended,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js'] },
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
      'rxjs-x/finnish': [
        'error',
        {
          functions: false,
          methods: false,
          strict: false,
          // fixed names of the public API, and things that are more than the Observable they extend or return
          names: {
            '^(templateProvider|listen|listener|connect|connector|mining|jobDeclaration|templateDistribution|hot|cold)$': false,
            '([Hh]andler|poolMining|templateClient|[Oo]perator|[Cc]reator|project|request|start|dispatch|run|with|delay|notifier|factory)$': false,
          },
        },
      ],
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
    files: ['**/*.js'],
    ...tseslint.configs.disableTypeChecked,
  },
);
