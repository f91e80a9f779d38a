export { nativeSuite } from './native.js';
