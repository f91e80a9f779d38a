import { defineConfig } from 'vite';

// What index.html's policy allows: files of the same origin, nothing inline, no data: URLs of assets.
export default defineConfig({
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
