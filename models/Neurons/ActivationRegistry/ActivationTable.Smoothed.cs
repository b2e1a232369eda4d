using static TorchZoo.Models.Neurons.ActivationMath;

namespace TorchZoo.Models.Neurons;

/// <content>Smoothed piecewise functions ("plus" functions): the survey's section 4.55.</content>
internal static partial class ActivationTable
{
    private static ActivationSpec[] Smoothed =>
    [
        Fixed("SquarePlus", "4.55.1", "(x+sqrt(x^2+eps))/2", Constant("eps", 4, Ours))
            .Computes((x, eps) => SquarePlus(x, eps))
            .NonNegative("eps")
            .Noted("Barron uses b=4; eps=4*ln(2)^2 matches softplus at 0"),
        Fixed("StepPlus", "4.55.2", "(1+x/sqrt(x^2+eps))/2", Constant("eps", 0.01, Ours))
            .Computes((x, eps) => 0.5 * (1 + x / SmoothAbs(x, eps)))
            .NonNegative("eps"),
        Fixed("BipolarPlus", "4.55.2", "x/sqrt(x^2+eps)", Constant("eps", 0.01, Ours))
            .Computes((x, eps) => x / SmoothAbs(x, eps))
            .NonNegative("eps"),
        Fixed("LReLUPlus", "4.55.3", "(x+a*x+sqrt(((1-a)*x)^2+eps))/2", Constant("a", 0.01, Ours), Constant("eps", 0.01, Ours))
            .Computes((x, a, eps) => (x + a * x + SmoothAbs((1 - a) * x, eps)) / 2)
            .NonNegative("eps")
            .Noted("SMU-1 with mu^2=eps"),
        Fixed("VReLUPlus", "4.55.4", "sqrt(x^2+eps)", Constant("eps", 0.01, Ours))
            .Computes((x, eps) => SmoothAbs(x, eps))
            .NonNegative("eps"),
        Fixed("SoftshrinkPlus", "4.55.5", "x+(sqrt((x-a)^2+eps)-sqrt((x+a)^2+eps))/2", Constant("a", 0.5, Ours),
            Constant("eps", 0.01, Ours))
            .Computes((x, a, eps) => x + (SmoothAbs(x - a, eps) - SmoothAbs(x + a, eps)) / 2)
            .NonNegative("eps"),
        Fixed("PanPlus", "4.55.6", "-a+(sqrt((x-a)^2+eps)+sqrt((x+a)^2+eps))/2", Constant("a", 1, Ours), Constant("eps", 0.01, Ours))
            .Computes((x, a, eps) => -a + (SmoothAbs(x - a, eps) + SmoothAbs(x + a, eps)) / 2)
            .NonNegative("eps"),
        Fixed("BReLUPlus", "4.55.7", "(1+sqrt(x^2+eps)-sqrt((x-1)^2+eps))/2", Constant("eps", 0.01, Ours))
            .Computes((x, eps) => (1 + SmoothAbs(x, eps) - SmoothAbs(x - 1, eps)) / 2)
            .NonNegative("eps"),
        Adaptive("SReLUPlus", "4.55.8", "a*x+(a-1)*(sqrt((x-t)^2+eps)-sqrt((x+t)^2+eps))/2", Trainable("a", 0.5, Ours),
            Trainable("t", 1, Ours), Constant("eps", 0.01, Ours))
            .Computes((x, a, t, eps) => a * x + (a - 1) * (SmoothAbs(x - t, eps) - SmoothAbs(x + t, eps)) / 2)
            .NonNegative("eps"),
        Fixed("HardTanhPlus", "4.55.9", "(sqrt((x+1)^2+eps)-sqrt((x-1)^2+eps))/2", Constant("eps", 0.01, Ours))
            .Computes((x, eps) => (SmoothAbs(x + 1, eps) - SmoothAbs(x - 1, eps)) / 2)
            .NonNegative("eps"),
        Fixed("HardshrinkPlus", "4.55.10", "x*(1+((x-a)/sqrt((x-a)^2+eps)-(x+a)/sqrt((x+a)^2+eps))/2)", Constant("a", 0.5, Ours),
            Constant("eps", 0.01, Ours))
            .Computes((x, a, eps) => x * (1 + ((x - a) / SmoothAbs(x - a, eps) - (x + a) / SmoothAbs(x + a, eps)) / 2))
            .NonNegative("eps"),
        Fixed("MeLUPlusComponent", "4.55.11", "(c-sqrt((x-b)^2+eps)+sqrt((c-sqrt((x-b)^2+eps))^2+eps))/2", Constant("b", 1, Ours),
            Constant("c", 1, Ours), Constant("eps", 0.01, Ours))
            .Computes((x, b, c, eps) => SquarePlus(c - SmoothAbs(x - b, eps), eps))
            .NonNegative("eps"),
        Fixed("ELUPlus", "4.55.13", "(x+sqrt(x^2+eps))/2+((exp(x)-1)*a-sqrt(((exp(x)-1)*a)^2+eps))/2", Constant("a", 1, Ours),
            Constant("eps", 0.01, Ours))
            .Computes((x, a, eps) => SquarePlus(x, eps) - SquarePlus(-a * Expm1(x.clamp_max(40)), eps))
            .NonNegative("eps")
            .Noted("min(u,0) smoothed as (u-sqrt(u^2+eps))/2"),
        Fixed("SwishPlus", "4.55.14", "(x+x^2/sqrt(x^2+eps))/2", Constant("eps", 0.01, Ours))
            .Computes((x, eps) => (x + Square(x) / SmoothAbs(x, eps)) / 2)
            .NonNegative("eps"),
        Fixed("MishPlus", "4.55.15", "x*((x+sqrt(x^2+eps))/2)/sqrt(((x+sqrt(x^2+eps))/2)^2+eps)", Constant("eps", 0.01, Ours))
            .Computes((x, eps) => x * SquarePlus(x, eps) / SmoothAbs(SquarePlus(x, eps), eps))
            .NonNegative("eps")
            .Noted("x*BipolarPlus(SquarePlus(x))"),
        Fixed("LogishPlus", "4.55.16", "x*log(1+(1+x/sqrt(x^2+eps))/2)", Constant("eps", 0.01, Ours))
            .Computes((x, eps) => x * Log1p((1 + x / SmoothAbs(x, eps)) / 2))
            .NonNegative("eps"),
        Fixed("SoftsignPlus", "4.55.17", "x/(1+sqrt(x^2+eps))", Constant("eps", 0.01, Ours))
            .Computes((x, eps) => x / (1 + SmoothAbs(x, eps)))
            .NonNegative("eps"),
        Fixed("SignReLUPlus", "4.55.18", "(x+sqrt(x^2+eps))/2+(x-sqrt(x^2+eps))/(2*sqrt((1-x)^2+eps))", Constant("eps", 0.01, Ours))
            .Computes((x, eps) => SquarePlus(x, eps) - SquarePlus(-x, eps) / SmoothAbs(1 - x, eps))
            .NonNegative("eps"),
    ];
}
