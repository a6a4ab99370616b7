#include "kernels/cast/params.gen.h"
#include "kernels/launches.h"

namespace dsnk {

// The pairs that have a loop of their own.
static bool isPlain(CastType from, CastType to) {
  switch (from) {
    case CastType::f32: return to == CastType::i64 || to == CastType::i32 || to == CastType::i8 || to == CastType::u8;
    case CastType::i64: return to == CastType::f32 || to == CastType::i32;
    case CastType::i32: return to == CastType::f32 || to == CastType::i64;
    case CastType::i8:
    case CastType::u8: return to == CastType::f32;
    default: return false;
  }
}

void cast_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<CastParams>();
  const bool plain = isPlain(static_cast<CastType>(q.from), static_cast<CastType>(q.to));
  launchOver(p, plan, "cast", plain ? "cast_plain" : "cast_elements", q.count, plain ? 256 : 1024);
}

}  // namespace dsnk
