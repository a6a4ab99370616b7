#include "kernels/launches.h"
#include "kernels/resize/params.gen.h"

namespace dsnk {

static void planResize(const GpuProblem& p, LaunchPlan& plan, const char* entry) {
  const auto& q = p.as<ResizeParams>();
  launchOver(p, plan, "resize", entry, q.outer * q.outH * q.outW * q.inner, 256);
}
void resize_f32_sm72(const GpuProblem& p, LaunchPlan& plan) { planResize(p, plan, "resize_f32"); }
void resize_f16_sm72(const GpuProblem& p, LaunchPlan& plan) { planResize(p, plan, "resize_f16"); }
void resize_u8_sm72(const GpuProblem& p, LaunchPlan& plan) { planResize(p, plan, "resize_u8"); }
void resize_i8_sm72(const GpuProblem& p, LaunchPlan& plan) { planResize(p, plan, "resize_i8"); }

void resize_nearest_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<ResizeNearestParams>();
  launchOver(p, plan, "resize", "resize_nearest", q.outer * q.outH * q.outW * q.innerBytes, 1024);
}

}  // namespace dsnk
