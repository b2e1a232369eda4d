using static TorchSharp.torch;

namespace TorchZoo.Models.Operators;

/// <summary>
/// The two maps of a <see cref="ModeTransform"/> as autograd functions, each the other's gradient. Without them libtorch derives the
/// gradient
/// of a real transform as a complex one of twice the size and copies conjugated matrices.
/// </summary>
internal static class ModeFunctions
{
    public static Tensor Down(ModeTransform transform, Tensor x, SpectralTransform how) =>
        IsCustom(x) ? DownFunction.apply(x, transform, how) : transform.Down(x, how);

    public static Tensor Up(ModeTransform transform, Tensor modes, SpectralTransform how) =>
        IsCustom(modes) ? UpFunction.apply(modes, transform, how) : transform.Up(modes, how);

    // On GPUs libtorch calls C# back from threads of its own, where no dispose scope keeps what is returned; its own gradients serve there.
    private static bool IsCustom(Tensor x) => x.requires_grad && is_grad_enabled() && x.device_type == TorchSharp.DeviceType.CPU;

    private sealed class DownFunction : autograd.SingleTensorFunction<DownFunction>
    {
        public override string Name => nameof(DownFunction);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => Forward(ctx, vars, Down);

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor gradient) => Backward(ctx, gradient, Up);
    }

    private sealed class UpFunction : autograd.SingleTensorFunction<UpFunction>
    {
        public override string Name => nameof(UpFunction);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => Forward(ctx, vars, Up);

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor gradient) => Backward(ctx, gradient, Down);
    }

    private static Tensor Forward(autograd.AutogradContext ctx, object[] vars, Func<ModeTransform, Tensor, SpectralTransform, Tensor> map)
    {
        var (transform, how) = ((ModeTransform)vars[1], (SpectralTransform)vars[2]);
        ctx.save_data("transform", transform);
        ctx.save_data("how", how);
        return map(transform, (Tensor)vars[0], how);
    }

    private static List<Tensor> Backward(
        autograd.AutogradContext ctx, Tensor gradient, Func<ModeTransform, Tensor, SpectralTransform, Tensor> adjoint)
    {
        var result = adjoint((ModeTransform)ctx.get_data("transform"), gradient, (SpectralTransform)ctx.get_data("how"));
        // libtorch takes the result over after this returns; until then the context keeps the collector off it.
        ctx.save_data("result", new[] { result });
        return [result, null!, null!];
    }
}
