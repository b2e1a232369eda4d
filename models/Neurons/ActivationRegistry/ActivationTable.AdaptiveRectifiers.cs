using static TorchZoo.Models.Neurons.ActivationMath;

namespace TorchZoo.Models.Neurons;

/// <content>Adaptive rectifiers: the survey's sections 4.1 to 4.2.42.</content>
internal static partial class ActivationTable
{
    private static ActivationSpec[] AdaptiveRectifiers =>
    [
        Adaptive("TAAF", "4.1", "a*tanh(b*x+c)+d", Trainable("a", 1), Trainable("b", 1), Trainable("c", 0), Trainable("d", 0))
            .Computes((x, a, b, c, d) => a * Tanh(b * x + c) + d)
            .Noted("alpha*f(beta*x+gamma)+delta, any inner f; tanh here"),
        Adaptive("PReLU", "4.2.1", "where(x>=0,x,a*x)", Trainable("a", 0.25, state: "weight"))
            .Computes((x, a) => Where(x >= 0, x, a * x))
            .Noted("survey writes x/a; slope convention of PyTorch here"),
        Adaptive("PReLUPlus", "4.2.2", "where(x>=0,a*x,0)", Trainable("a", 1, Ours))
            .Computes((x, a) => Where(x >= 0, a * x, 0)),
        Adaptive("MarReLU", "4.2.3", "max(x,a)", Statistic("a", -0.25))
            .Computes((x, a) => Max(x, a))
            .Measures(groups => Below(groups).sum(1) / (groups < 0).sum(1).clamp_min(1))
            .Noted("a = channelwise mean of the negative responses"),
        Adaptive("RPReLU", "4.2.5", "where(x>=a,x-a+b,c*(x-a)+b)", Trainable("a", 0, Ours), Trainable("b", 0, Ours),
            Trainable("c", 0.25, Ours))
            .Computes((x, a, b, c) => Where(x >= a, x - a + b, c * (x - a) + b))
            .Noted("ReActNet"),
        Adaptive("SAU", "4.2.6", "a*x+(1-a)*(x*Phi(b*x)+phi(b*x)/b)", Trainable("a", 0.25, Ours), Trainable("b", 1, Ours, min: 1e-6))
            .Computes((x, a, b) => Mix(a, x, x * Phi(b * x) + Density(b * x) / b))
            .Positive("b")
            .Noted("exact convolution of PReLU(slope a) with N(0,1/b^2); some prints omit (1-a) before the Gaussian term"),
        Adaptive("SMU", "4.2.7", "((1+a)*x+(1-a)*x*erf(b*(1-a)*x))/2", Trainable("a", 0.25), Trainable("b", 1000000, Ours))
            .Computes((x, a, b) => ((1 + a) * x + (1 - a) * x * Erf(b * (1 - a) * x)) / 2)
            .Noted("b=1e6 in the authors code: LReLU to float32 precision"),
        Adaptive("LeLeLU", "4.2.8", "where(x>=0,a*x,0.01*a*x)", Trainable("a", 1, Ours))
            .Computes((x, a) => Where(x >= 0, a * x, 0.01 * a * x)),
        Adaptive("PREU", "4.2.9", "where(x>=0,a*x,a*x*exp(b*x))", Trainable("a", 1, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => Where(x >= 0, a * x, a * x * Exp(b * Below(x)))),
        Adaptive("RTPReLU", "4.2.10", "where(x>=0,x,a*x)", Trainable("a", 0.25, Ours))
            .Computes((x, a) => Where(x >= 0, x, a * x))
            .InTraining((x, noise, a) => Where(x + noise.Normal() * noise.Scale >= 0, x, a * x), scale: 0.75)
            .Noted("evaluation mode; training tests x+n>=0, n~N(0,0.75^2)"),
        Adaptive("ProbActReLU", "4.2.11", "relu(x)")
            .Computes(x => Relu(x))
            .InTraining((x, noise) => Relu(x) + noise.Normal() * noise.Scale, scale: 0.5, canTrainScale: true)
            .Noted("evaluation mode (mean); training: relu(x)+s*N(0,1), s fixed or trainable"),
        Adaptive("AOAF", "4.2.12", "relu(x-b*a)+c*a", Statistic("a", 0.5), Constant("b", 0.17), Constant("c", 0.17))
            .Computes((x, a, b, c) => Relu(x - b * a) + c * a)
            .Measures(groups => groups.mean([1]))
            .Noted("a = mean of the inputs of the neuron"),
        Adaptive("DLReLU", "4.2.13", "where(x>=0,x,a*b*x)", Constant("a", 0.01, Ours), Statistic("b", 1))
            .Computes((x, a, b) => Where(x >= 0, x, a * b * x))
            .Noted("b = MSE of the previous epoch"),
        Adaptive("ExpDLReLU", "4.2.13", "where(x>=0,x,a*exp(-b)*x)", Constant("a", 0.01, Ours), Statistic("b", 1))
            .Computes((x, a, b) => Where(x >= 0, x, a * Exp(-b) * x)),
        Adaptive("DReLU", "4.2.14", "max(x,a)", Statistic("a", 0))
            .Computes((x, a) => Max(x, a))
            .Measures(groups => (groups.amin([1]) + groups.amax([1])) / 2)
            .Noted("a = (min+max)/2 of the batch"),
        Adaptive("FReLU", "4.2.15", "relu(x)+b", Trainable("b", 0, Ours))
            .Computes((x, b) => Relu(x) + b),
        Adaptive("ShiLU", "4.2.16", "a*relu(x)+b", Trainable("a", 1, Ours), Trainable("b", 0, Ours))
            .Computes((x, a, b) => a * Relu(x) + b),
        Adaptive("StarReLU", "4.2.17", "a*relu(x)^2+b", Trainable("a", 0.8944), Trainable("b", -0.4472))
            .Computes((x, a, b) => a * Square(Relu(x)) + b),
        Adaptive("AdaptiveHardTanh", "4.2.18", "clip(a*(x-b),-1,1)", Constant("a", 1, Ours), Trainable("b", 0, Ours))
            .Computes((x, a, b) => Clip(a * (x - b), -1, 1))
            .Noted("a grows with the epoch"),
        Adaptive("AReLU", "4.2.19", "where(x>=0,(1+sigmoid(b))*x,clip(a,0.01,0.99)*x)", Trainable("a", 0.9), Trainable("b", 2))
            .Computes((x, a, b) => Where(x >= 0, (1 + Sigmoid(b)) * x, Clip(a, 0.01, 0.99) * x)),
        Adaptive("DPReLU", "4.2.20", "where(x>=0,a*x,b*x)", Trainable("a", 1), Trainable("b", 0.01))
            .Computes((x, a, b) => Where(x >= 0, a * x, b * x)),
        Adaptive("DualLine", "4.2.21", "where(x>=0,a*x,b*x)+m", Trainable("a", 1), Trainable("b", 0.01), Trainable("m", -0.22))
            .Computes((x, a, b, m) => Where(x >= 0, a * x, b * x) + m),
        Adaptive("PiLU", "4.2.22", "where(x>=c,a*x+c*(1-a),b*x+c*(1-b))", Trainable("a", 1, Ours), Trainable("b", 0.01, Ours),
            Trainable("c", 0, Ours))
            .Computes((x, a, b, c) => Where(x >= c, a * x + c * (1 - a), b * x + c * (1 - b))),
        Adaptive("DPAF", "4.2.23", "where(x>=0,a*tanh(x),tanh(x))+m", Trainable("a", 1, Ours), Trainable("m", 0, Ours))
            .Computes((x, a, m) => Where(x >= 0, a * Tanh(x), Tanh(x)) + m)
            .Noted("any g; g=tanh here"),
        Adaptive("FPAF", "4.2.24", "where(x>=0,a*x,b*tanh(x))", Trainable("a", 1, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => Where(x >= 0, a * x, b * Tanh(x)))
            .Noted("any g1,g2; g1=x, g2=tanh here"),
        Adaptive("EPReLU", "4.2.25", "where(x>=0,x,a*x)", Trainable("a", 0.25, Ours))
            .Computes((x, a) => Where(x >= 0, x, a * x))
            .InTraining((x, noise, a) => Where(x >= 0, noise.Around(1) * x, a * x), scale: 0.1)
            .Noted("evaluation mode; training: k*x for x>=0, k~U(1-alpha,1+alpha)"),
        Adaptive("PairedReLU", "4.2.26", "pair(max(a*x-b,0),max(c*x-d,0))", Trainable("a", 0.5), Trainable("b", 0, Ours),
            Trainable("c", -0.5), Trainable("d", 0, Ours))
            .Splits((x, axis, a, b, c, d) => Both(Relu(a * x - b), Relu(c * x - d), axis)),
        Adaptive("Tent", "4.2.27", "max(0,a-abs(x))", Trainable("a", 1))
            .Computes((x, a) => Relu(a - Abs(x))),
        Adaptive("Hat", "4.2.28", "where(x<0,0,where(x<=a/2,x,where(x<=a,a-x,0)))", Trainable("a", 2))
            .Computes((x, a) => Where(x < 0, 0, Where(x <= a / 2, x, Where(x <= a, a - x, 0)))),
        Adaptive("RMAF", "4.2.29", "(b/(0.25*(1+exp(-x))+0.75)^c)*a*x", Trainable("a", 1), Constant("b", 1, Ours),
            Constant("c", 1, Ours))
            .Computes((x, a, b, c) => a * b * x * Exp(-c * Softplus(-x - 2 * Ln2))),
        Adaptive("PTELU", "4.2.30", "where(x>=0,x,a*tanh(b*x))", Trainable("a", 1, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => Where(x >= 0, x, a * Tanh(b * x))),
        Adaptive("TaLU", "4.2.31", "where(x>=0,x,where(x>a,tanh(x),tanh(a)))", Trainable("a", -1, Ours))
            .Computes((x, a) => Where(x >= 0, x, Where(x > a, Tanh(x), Tanh(a)))),
        Adaptive("PTaLU", "4.2.32", "where(x>=b,x,where(x>a,tanh(x),tanh(a)))", Trainable("a", -0.75), Trainable("b", 1))
            .Computes((x, a, b) => Where(x >= b, x, Where(x > a, Tanh(x), Tanh(a)))),
        Adaptive("TanhLU", "4.2.33", "a*tanh(b*x)+c*x", Trainable("a", 1, Ours), Trainable("b", 1, Ours), Trainable("c", 1, Ours))
            .Computes((x, a, b, c) => a * Tanh(b * x) + c * x),
        Adaptive("TeLU", "4.2.34", "x*tanh(elu(a*x))", Trainable("a", 1, Ours))
            .Computes((x, a) => x * Tanh(Elu(a * x)))
            .Noted("not the 2024 TeLU, which is TanhExp"),
        Adaptive("TReLU", "4.2.35", "where(x>=0,x,tanh(b*x))", Trainable("b", 1, Ours))
            .Computes((x, b) => Where(x >= 0, x, Tanh(b * x))),
        Fixed("TReLU2", "4.2.35", "where(x>=0,x,a*tanh(x))", Constant("a", 0.5, Ours))
            .Computes((x, a) => Where(x >= 0, x, a * Tanh(x))),
        Adaptive("ReLTanh", "4.2.36", "where(x<=a,sech(a)^2*(x-a)+tanh(a),where(x>=b,sech(b)^2*(x-b)+tanh(b),tanh(x)))",
            Trainable("a", -1.5, max: -1.5), Trainable("b", 0, min: 0, max: 0.5))
            .Computes((x, a, b) =>
                Where(x <= a, Square(Sech(a)) * (x - a) + Tanh(a), Where(x >= b, Square(Sech(b)) * (x - b) + Tanh(b), Tanh(x))))
            .Noted("a<=-1.5, 0<=b<=0.5, clamp after each step"),
        Adaptive("BLU", "4.2.37", "a*(sqrt(x^2+1)-1)+x", Trainable("a", 0.5, Ours, min: -1, max: 1))
            .Computes((x, a) => a * (Sqrt(Square(x) + 1) - 1) + x)
            .Noted("a in [-1,1]"),
        Adaptive("ReBLU", "4.2.38", "where(x>0,a*(sqrt(x^2+1)-1)+x,0)", Trainable("a", 0.5, Ours, min: -1, max: 1))
            .Computes((x, a) => Where(x > 0, a * (Sqrt(Square(x) + 1) - 1) + x, 0)),
        Adaptive("DELU", "4.2.39", "where(x>=0,(a+0.5)*x+abs(exp(-x)-1),x*sigmoid(x))", Trainable("a", 1, Ours))
            .Computes((x, a) => Where(x >= 0, (a + 0.5) * x - Expm1(-Above(x)), Silu(x))),
        Fixed("SCMish", "4.2.40", "max(0,x*tanh(softplus(a*x)))", Constant("a", 1))
            .Computes((x, a) => Relu(Mish(x, a))),
        Adaptive("SCLMish", "4.2.40", "max(0,x*tanh(softplus(a*x)))", Trainable("a", 0.25))
            .Computes((x, a) => Relu(Mish(x, a))),
        Fixed("SCSwish", "4.2.41", "max(0,x*sigmoid(x))")
            .Computes(x => Relu(Silu(x))),
        Adaptive("PSwish", "4.2.42", "where(x<=c,a*x*sigmoid(b*x),x)", Trainable("a", 1), Trainable("b", 1), Trainable("c", 0))
            .Computes((x, a, b, c) => Where(x <= c, a * Swish(x, b), x)),
    ];
}
