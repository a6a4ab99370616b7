# A bridge only: the build is defined in CMakeLists.txt and run by scripts/build-native.mjs.
{
  "targets": [
    {
      "target_name": "ds_native_kernels",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake",
          "inputs": ["CMakeLists.txt"],
          "outputs": ["build/Release/ds_native_kernels.node"],
          "action": ["node", "scripts/build-native.mjs"]
        }
      ]
    }
  ]
}
