// What is built for whom: names shared by the scripts that build, scan and test the prebuilt addons.

/** Version of clang, lld and the LLVM tools: the result depends on it, so it is one. */
export const LLVM = 19;

export const architectures = ['x64', 'arm64', 'arm'];

/** Where the addon for `process.arch` lies in the package, with the tags that `prebuiltName` of lib/runtime/native.ts looks for. */
export const addonFile = (arch) => `prebuilds/linux-${arch}/ds-native-kernels${arch === 'arm' ? '.armv7' : ''}.glibc.node`;

/** What an addon may have at most. */
export const mostBytes = 4e6;
