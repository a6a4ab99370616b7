// The part of NVIDIA's driver API (libcuda.so.1) that is used here, declared as its ABI stands: no CUDA header is needed to
// build the addon. One list of functions serves the engine's table of pointers and the emulated driver's exports.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk::cuda {

// CUresult. Others may come from a driver: the type is an int, and cuGetErrorName names them.
enum Result : int {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kNotInitialized = 3,
  kDeinitialized = 4,
  kStubLibrary = 34,  // the link-time stub of the toolkit was loaded in the driver's place
  kNoDevice = 100,
  kInvalidDevice = 101,
  kInvalidImage = 200,
  kInvalidContext = 201,
  kNoBinaryForGpu = 209,
  kInvalidPtx = 218,
  kUnsupportedPtxVersion = 222,
  kSharedObjectInitFailed = 303,
  kInvalidHandle = 400,
  kNotFound = 500,
  kNotReady = 600,
  kIllegalAddress = 700,
  kLaunchOutOfResources = 701,
  kLaunchTimeout = 702,
  kAssert = 710,
  kHostMemoryAlreadyRegistered = 712,
  kHardwareStackError = 714,
  kIllegalInstruction = 715,
  kMisalignedAddress = 716,
  kLaunchFailed = 719,
  kNotPermitted = 800,
  kNotSupported = 801,
  kSystemDriverMismatch = 803,
  kStreamCaptureUnsupported = 900,
  kStreamCaptureInvalidated = 901,
  kUnknown = 999,
};

using Device = int;
using DevicePointer = uint64_t;
using Context = struct ContextObject*;
using Module = struct ModuleObject*;
using Function = struct FunctionObject*;
using Stream = struct StreamObject*;
using Event = struct EventObject*;
using Graph = struct GraphObject*;
using GraphExec = struct GraphExecObject*;

enum DeviceAttribute : int {  // CUdevice_attribute
  kMaxThreadsPerBlock = 1,
  kMaxSharedMemoryPerBlock = 8,
  kWarpSize = 10,
  kMultiprocessorCount = 16,
  kIntegrated = 18,
  kCanMapHostMemory = 19,
  kL2CacheSize = 38,
  kUnifiedAddressing = 41,
  kCapabilityMajor = 75,
  kCapabilityMinor = 76,
  kMaxSharedMemoryPerBlockOptin = 97,
};

enum FunctionAttribute : int {  // CUfunction_attribute
  kFunctionMaxThreads = 0,
  kFunctionSharedBytes = 1,
  kFunctionRegisters = 4,
  kFunctionMaxDynamicSharedBytes = 8,
};

constexpr unsigned kStreamNonBlocking = 1, kEventDefault = 0, kEventBlockingSync = 1, kEventDisableTiming = 2;
constexpr unsigned kHostAllocPortable = 1, kHostAllocDeviceMap = 2, kHostAllocWriteCombined = 4;
constexpr unsigned kHostRegisterPortable = 1, kHostRegisterDeviceMap = 2;
constexpr unsigned kContextScheduleAuto = 0, kContextScheduleBlockingSync = 4, kContextMapHost = 8;
constexpr int kCaptureGlobal = 0, kCaptureThreadLocal = 1, kCaptureRelaxed = 2;  // CUstreamCaptureMode

// F(name, exported, since, parameters): the base name (what cuGetProcAddress is asked for), the exported symbol whose
// signature follows, and the CUDA version (as in cuDriverGetVersion) from which the base name means that symbol.
#define DSNK_CUDA_FUNCTIONS(F)                                                                                        \
  F(cuInit, cuInit, 2000, (unsigned flags))                                                                           \
  F(cuDriverGetVersion, cuDriverGetVersion, 2020, (int* version))                                                     \
  F(cuGetErrorName, cuGetErrorName, 6000, (Result error, const char** name))                                          \
  F(cuGetErrorString, cuGetErrorString, 6000, (Result error, const char** text))                                      \
  F(cuDeviceGetCount, cuDeviceGetCount, 2000, (int* count))                                                           \
  F(cuDeviceGet, cuDeviceGet, 2000, (Device * device, int ordinal))                                                   \
  F(cuDeviceGetName, cuDeviceGetName, 2000, (char* name, int length, Device device))                                  \
  F(cuDeviceGetAttribute, cuDeviceGetAttribute, 2000, (int* value, DeviceAttribute attribute, Device device))         \
  F(cuDeviceTotalMem, cuDeviceTotalMem_v2, 3020, (size_t* bytes, Device device))                                      \
  F(cuDevicePrimaryCtxRetain, cuDevicePrimaryCtxRetain, 7000, (Context * context, Device device))                     \
  F(cuDevicePrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2, 11000, (Device device))                                  \
  F(cuDevicePrimaryCtxSetFlags, cuDevicePrimaryCtxSetFlags_v2, 11000, (Device device, unsigned flags))                \
  F(cuCtxSetCurrent, cuCtxSetCurrent, 4000, (Context context))                                                        \
  F(cuCtxPushCurrent, cuCtxPushCurrent_v2, 4000, (Context context))                                                   \
  F(cuCtxPopCurrent, cuCtxPopCurrent_v2, 4000, (Context * context))                                                   \
  F(cuCtxSynchronize, cuCtxSynchronize, 2000, ())                                                                     \
  F(cuMemAlloc, cuMemAlloc_v2, 3020, (DevicePointer * pointer, size_t bytes))                                         \
  F(cuMemFree, cuMemFree_v2, 3020, (DevicePointer pointer))                                                           \
  F(cuMemGetInfo, cuMemGetInfo_v2, 3020, (size_t* free, size_t* total))                                               \
  F(cuMemHostAlloc, cuMemHostAlloc, 2020, (void** pointer, size_t bytes, unsigned flags))                             \
  F(cuMemFreeHost, cuMemFreeHost, 2000, (void* pointer))                                                              \
  F(cuMemHostRegister, cuMemHostRegister_v2, 6050, (void* pointer, size_t bytes, unsigned flags))                     \
  F(cuMemHostUnregister, cuMemHostUnregister, 4000, (void* pointer))                                                  \
  F(cuMemHostGetDevicePointer, cuMemHostGetDevicePointer_v2, 3020,                                                    \
    (DevicePointer * device, void* host, unsigned flags))                                                             \
  F(cuMemcpyHtoDAsync, cuMemcpyHtoDAsync_v2, 3020, (DevicePointer to, const void* from, size_t bytes, Stream stream)) \
  F(cuMemcpyDtoHAsync, cuMemcpyDtoHAsync_v2, 3020, (void* to, DevicePointer from, size_t bytes, Stream stream))       \
  F(cuMemcpyDtoDAsync, cuMemcpyDtoDAsync_v2, 3020,                                                                    \
    (DevicePointer to, DevicePointer from, size_t bytes, Stream stream))                                              \
  F(cuMemsetD8Async, cuMemsetD8Async, 3020, (DevicePointer to, unsigned char value, size_t bytes, Stream stream))     \
  F(cuStreamCreate, cuStreamCreate, 2000, (Stream * stream, unsigned flags))                                          \
  F(cuStreamDestroy, cuStreamDestroy_v2, 4000, (Stream stream))                                                       \
  F(cuStreamSynchronize, cuStreamSynchronize, 2000, (Stream stream))                                                  \
  F(cuStreamWaitEvent, cuStreamWaitEvent, 3020, (Stream stream, Event event, unsigned flags))                         \
  F(cuStreamBeginCapture, cuStreamBeginCapture_v2, 10010, (Stream stream, int mode))                                  \
  F(cuStreamEndCapture, cuStreamEndCapture, 10000, (Stream stream, Graph * graph))                                    \
  F(cuGraphInstantiateWithFlags, cuGraphInstantiateWithFlags, 11040, (GraphExec * exec, Graph graph, uint64_t flags)) \
  F(cuGraphLaunch, cuGraphLaunch, 10000, (GraphExec exec, Stream stream))                                             \
  F(cuGraphExecDestroy, cuGraphExecDestroy, 10000, (GraphExec exec))                                                  \
  F(cuGraphDestroy, cuGraphDestroy, 10000, (Graph graph))                                                             \
  F(cuEventCreate, cuEventCreate, 2000, (Event * event, unsigned flags))                                              \
  F(cuEventRecord, cuEventRecord, 2000, (Event event, Stream stream))                                                 \
  F(cuEventSynchronize, cuEventSynchronize, 2000, (Event event))                                                      \
  F(cuEventElapsedTime, cuEventElapsedTime, 2000, (float* milliseconds, Event begin, Event end))                      \
  F(cuEventDestroy, cuEventDestroy_v2, 4000, (Event event))                                                           \
  F(cuModuleLoadData, cuModuleLoadData, 2000, (Module * module, const void* image))                                   \
  F(cuModuleUnload, cuModuleUnload, 2000, (Module module))                                                            \
  F(cuModuleGetFunction, cuModuleGetFunction, 2000, (Function * function, Module module, const char* name))           \
  F(cuFuncSetAttribute, cuFuncSetAttribute, 9000, (Function function, FunctionAttribute attribute, int value))        \
  F(cuFuncGetAttribute, cuFuncGetAttribute, 2020, (int* value, FunctionAttribute attribute, Function function))       \
  F(cuLaunchKernel, cuLaunchKernel, 4000,                                                                             \
    (Function function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,             \
     unsigned blockZ, unsigned sharedBytes, Stream stream, void** kernelParams, void** extra))

// Exported as cuGetProcAddress (11.3 and later) and, with what became of the question, as cuGetProcAddress_v2 (12.0).
using GetProcAddress = Result (*)(const char* base, void** function, int cudaVersion, uint64_t flags);
using GetProcAddressV2 = Result (*)(const char* base, void** function, int cudaVersion, uint64_t flags, int* status);
enum SymbolStatus : int { kSymbolFound = 0, kSymbolMissing = 1, kSymbolTooNew = 2 };  // CUdriverProcAddressQueryResult

}  // namespace dsnk::cuda
