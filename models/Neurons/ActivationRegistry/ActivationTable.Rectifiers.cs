using static TorchZoo.Models.Neurons.ActivationMath;

namespace TorchZoo.Models.Neurons;

/// <content>Rectifiers: the survey's section 3.6.</content>
internal static partial class ActivationTable
{
    private static ActivationSpec[] Rectifiers =>
    [
        Fixed("ReLU", "3.6", "max(x,0)")
            .Computes(x => Relu(x)),
        Fixed("ShiftedReLU", "3.6.1", "max(x,-1)")
            .Computes(x => Max(x, -1)),
        Fixed("LeakyReLU", "3.6.2", "where(x>=0,x,x/a)", Constant("a", 100))
            .Computes((x, a) => Where(x >= 0, x, x / a))
            .NonZero("a")
            .Noted("survey writes x/a; PyTorch negative_slope = 1/a"),
        Fixed("VeryLeakyReLU", "3.6.2", "where(x>=0,x,x/a)", Constant("a", 3))
            .Computes((x, a) => Where(x >= 0, x, x / a))
            .NonZero("a"),
        Fixed("OptimizedLeakyReLU", "3.6.2", "where(x>=0,x,x*exp(-(u+l)/(u-l)))", Constant("l", 3), Constant("u", 8))
            .Computes((x, l, u) => Where(x >= 0, x, x * Exp(-(u + l) / (u - l))))
            .Requires("l < u", p => p["u"] > p["l"]),
        Fixed("RReLU", "3.6.3", "where(x>=0,x,x/((l+u)/2))", Constant("l", 3), Constant("u", 8))
            .Computes((x, l, u) => Where(x >= 0, x, x / ((l + u) / 2)))
            .Requires("0 < l <= u", p => p["l"] > 0 && p["u"] >= p["l"])
            .InTraining((x, noise, l, u) => Where(x >= 0, x, x / noise.Uniform(l, u)))
            .Noted("evaluation mode; training: x/a with a~U(l,u) per neuron. PyTorch RReLU multiplies by U(1/8,1/3), eval slope 0.229: "
                + "not equal"),
        Fixed("SRReLU", "3.6.4", "where(x>=0,1/(1+x)^2+x,1/(1+x)^2+0.5*(l+u)*x)", Constant("l", 0.125), Constant("u", 1 / 3.0))
            .Computes((x, l, u) => Square(1 / (1 + x)) + Where(x >= 0, x, 0.5 * (l + u) * x))
            .Requires("l <= u", p => p["u"] >= p["l"])
            .InTraining((x, noise, l, u) => Square(1 / (1 + x)) + Where(x >= 0, x, noise.Uniform(l, u) * x))
            .Noted("evaluation mode; pole at x=-1"),
        Fixed("SlopedReLU", "3.6.5", "a*relu(x)", Constant("a", 2, Ours))
            .Computes((x, a) => a * Relu(x))
            .Noted("recommended a in [1,10]"),
        Fixed("NoisyReLU", "3.6.6", "relu(x)")
            .Computes(x => Relu(x))
            .InTraining((x, noise) => Relu(x + noise.Normal() * Sqrt(x.std(unbiased: false))))
            .Noted("evaluation mode; training: relu(x+n), n~N(0, variance = std(x))"),
        Fixed("SineReLU", "3.6.7", "where(x>=0,x,a*(sin(x)-cos(x)))", Constant("a", 0.0025, Ours))
            .Computes((x, a) => Where(x >= 0, x, a * (Sin(x) - Cos(x))))
            .Noted("jump of -a at 0"),
        Fixed("Minsin", "3.6.8", "min(x,sin(x))")
            .Computes(x => Min(x, Sin(x))),
        Fixed("VLU", "3.6.9", "relu(x)+a*sin(b*x)", Constant("a", 1, Ours), Constant("b", 1, Ours))
            .Computes((x, a, b) => Relu(x) + a * Sin(b * x)),
        Fixed("RTReLU", "3.6.11", "relu(x)")
            .Computes(x => Relu(x))
            .InTraining((x, noise) => Relu(x + noise.Normal() * noise.Scale), scale: 0.75)
            .Noted("evaluation mode; training: relu(x+n), n~N(0,0.75^2)"),
        Fixed("NLReLU", "3.6.12", "log(a*relu(x)+1)", Constant("a", 1, Ours))
            .Computes((x, a) => Log1p(a * Relu(x)))
            .NonNegative("a"),
        Fixed("SoftplusLinearUnit", "3.6.13", "where(x>=0,a*x,b*softplus(x)-c)", Constant("a", 1), Constant("b", 2),
            Constant("c", 2 * Ln2))
            .Computes((x, a, b, c) => Where(x >= 0, a * x, b * Softplus(x) - c)),
        Fixed("ReSP", "3.6.14", "where(x>=0,a*x+log(2),softplus(x))", Constant("a", 1.5))
            .Computes((x, a) => Where(x >= 0, a * x + Ln2, Softplus(x)))
            .Noted("1.4 to 2.0 recommended"),
        Fixed("PReNU", "3.6.15", "where(x>=0,x-a*log(x+1),0)", Constant("a", 0.25, Ours))
            .Computes((x, a) => Where(x >= 0, x - a * Log1p(Relu(x)), 0)),
        Fixed("BReLU", "3.6.16", "clip(x,0,a)", Constant("a", 1, Ours))
            .Computes((x, a) => Clip(x, 0, a))
            .NonNegative("a")
            .Noted("alias ReLUN; a=6 is ReLU6"),
        Fixed("HardSigmoid", "3.6.17", "clip((x+1)/2,0,1)")
            .Computes(x => Clip((x + 1) / 2, 0, 1))
            .Noted("PyTorch uses clip(x/6+0.5,0,1)"),
        Fixed("HardSigmoid02", "3.6.17", "clip(0.2*x+0.5,0,1)")
            .Computes(x => Clip(0.2 * x + 0.5, 0, 1))
            .Noted("Keras-2 variant"),
        Fixed("HardTanh", "3.6.18", "clip(x,a,b)", Constant("a", -1), Constant("b", 1))
            .Computes((x, a, b) => Clip(x, a, b))
            .Requires("a <= b", p => p["a"] <= p["b"]),
        Fixed("SvHardTanh", "3.6.19", "clip(x,-1,1)+a", Constant("a", 0, Ours))
            .Computes((x, a) => Clip(x, -1, 1) + a),
        Fixed("ShHardTanh", "3.6.19", "clip(x+a,-1,1)", Constant("a", 0, Ours))
            .Computes((x, a) => Clip(x + a, -1, 1))
            .Noted("survey prints the middle piece as x; x+a is the continuous form"),
        Fixed("HardSwish", "3.6.20", "x*clip(x/6+0.5,0,1)")
            .Computes(x => x * Clip(x / 6 + 0.5, 0, 1))
            .Noted("x*relu6(x+3)/6"),
        Fixed("TRec", "3.6.21", "where(x>a,x,0)", Constant("a", 1))
            .Computes((x, a) => Where(x > a, x, 0)),
        Fixed("Hardshrink", "3.6.22", "where(abs(x)>a,x,0)", Constant("a", 0.5))
            .Computes((x, a) => Where(Abs(x) > a, x, 0)),
        Fixed("Softshrink", "3.6.23", "sign(x)*max(abs(x)-a,0)", Constant("a", 0.5))
            .Computes((x, a) => Sign(x) * Relu(Abs(x) - a)),
        Fixed("BLReLU", "3.6.24", "where(x<=0,a*x,where(x<b,x,a*x+(1-a)*b))", Constant("a", 0.1, Ours), Constant("b", 1, Ours))
            .Computes((x, a, b) => Where(x <= 0, a * x, Where(x < b, x, a * x + (1 - a) * b))),
        Fixed("VReLU", "3.6.25", "abs(x)")
            .Computes(x => Abs(x))
            .Noted("alias Modulus"),
        Fixed("Pan", "3.6.26", "max(abs(x)-a,0)", Constant("a", 1, Ours))
            .Computes((x, a) => Relu(Abs(x) - a)),
        Fixed("AbsLU", "3.6.27", "where(x>=0,x,a*abs(x))", Constant("a", 0.5, Ours))
            .Computes((x, a) => Where(x >= 0, x, a * Abs(x))),
        Fixed("MirroredReLU", "3.6.28", "max(0,1-abs(x))")
            .Computes(x => Relu(1 - Abs(x))),
        Fixed("LSPTLU", "3.6.29", "where(x<0,0.2*x,where(x<=a,x,where(x<=2*a,2*a-x,0)))", Constant("a", 1, Ours))
            .Computes((x, a) => Where(x < 0, 0.2 * x, Where(x <= a, x, Where(x <= 2 * a, 2 * a - x, 0))))
            .Noted("alias LRTLU"),
        Fixed("SoftModulusQ", "3.6.30", "where(abs(x)<=1,x^2*(2-abs(x)),abs(x))")
            .Computes(x => Where(Abs(x) <= 1, Square(x) * (2 - Abs(x)), Abs(x))),
        Fixed("SoftModulusT", "3.6.31", "x*tanh(x/a)", Constant("a", 0.01))
            .Computes((x, a) => x * Tanh(x / a))
            .NonZero("a"),
        Fixed("SignReLU", "3.6.32", "where(x>=0,x,a*x/(abs(x)+1))", Constant("a", 1, Ours))
            .Computes((x, a) => Where(x >= 0, x, a * x / (Abs(x) + 1)))
            .Noted("alias DLU"),
        Fixed("LiReLU", "3.6.33", "where(x>=0,a*x+x,a*x)", Constant("a", 0.2, Ours))
            .Computes((x, a) => Where(x >= 0, a * x + x, a * x)),
        Fixed("CReLU", "3.6.34", "pair(relu(x),relu(-x))")
            .Splits((x, axis) => Both(Relu(x), Relu(-x), axis))
            .Noted("R -> R^2, concatenated along the channel axis"),
        Fixed("NCReLU", "3.6.35", "pair(relu(x),-relu(-x))")
            .Splits((x, axis) => Both(Relu(x), Below(x), axis)),
        Fixed("BipolarReLU", "3.6.35", "where(index%2==0,relu(x),-relu(-x))")
            .AlongAxis((x, axis) => Where(IsEven(x, axis), Relu(x), Below(x)))
            .Noted("BAF with g=ReLU; index = unit number 0..4"),
        Fixed("DualReLU", "3.6.36", "relu(x)-relu(y)")
            .Gates((x, y) => Relu(x) - Relu(y)),
        Fixed("OPLU", "3.6.37", "pair(max(x,y),min(x,y))")
            .Splits((x, axis) => SortPairs(x, axis))
            .Noted("pair of units -> (max,min); also MaxMin/GroupSort-2"),
        Fixed("EReLU", "3.6.38", "relu(x)")
            .Computes(x => Relu(x))
            .InTraining((x, noise) => noise.Around(1) * Relu(x), scale: 0.1)
            .Noted("evaluation mode; training: k*relu(x), k~U(1-alpha,1+alpha)"),
        Fixed("RePU", "3.6.39", "relu(x)^a", Constant("a", 2))
            .Computes((x, a) => Pow(Relu(x), a))
            .NonNegative("a")
            .Noted("a=0 step, 1 ReLU, 2 ReQU/SquaredReLU, 3 ReCU"),
        Fixed("ReCU", "3.6.39", "relu(x)^3")
            .Computes(x => Pow(Relu(x), 3)),
        Fixed("AlternatingRePU", "3.6.39", "0.5*(relu(x)^b+relu(x)^(1/b))", Constant("b", 1.1))
            .Computes((x, b) => 0.5 * (Pow(Relu(x), b) + Pow(Relu(x), 1 / b)))
            .Positive("b")
            .InTraining((x, noise, b) => Pow(Relu(x), noise.IsOddEpoch ? b : 1 / b))
            .Noted("evaluation mode; odd epochs relu^b, even epochs relu^(1/b)"),
        Fixed("AppReLU", "3.6.40", "a*relu(x)^b", Constant("a", 1, Ours), Constant("b", 1, Ours))
            .Computes((x, a, b) => a * Pow(Relu(x), b))
            .Positive("b"),
        Fixed("EPLAF", "3.6.41", "where(abs(x)<=1,abs(x)^d/d,abs(x)-(1-1/d))", Constant("d", 2))
            .Computes((x, d) => Where(Abs(x) <= 1, Pow(Abs(x), d) / d, Abs(x) - (1 - 1 / d)))
            .Positive("d")
            .Noted("even power linear"),
        Fixed("OPLAF", "3.6.41", "sign(x)*where(abs(x)<=1,abs(x)^d/d,abs(x)-(1-1/d))", Constant("d", 3, Ours))
            .Computes((x, d) => Sign(x) * Where(Abs(x) <= 1, Pow(Abs(x), d) / d, Abs(x) - (1 - 1 / d)))
            .Positive("d")
            .Noted("odd power linear; written so that it is odd and continuous (survey print has a sign slip for x<-1)"),
        Adaptive("ABReLU", "3.6.42", "relu(x-a)", Statistic("a", 0))
            .Computes((x, a) => Relu(x - a))
            .Measures(groups => groups.mean([1]))
            .Noted("a = mean of the input activation map"),
        Fixed("DelayReLU", "3.6.43", "relu(x-a)", Constant("a", 0.08))
            .Computes((x, a) => Relu(x - a))
            .Noted("a in {0.06,0.08,0.10}"),
        Fixed("DisReLU", "3.6.44", "max(x,-a)", Constant("a", 0.1, Ours))
            .Computes((x, a) => Max(x, -a)),
        Fixed("FTSwish", "3.6.46", "where(x>=0,x*sigmoid(x)+t,t)", Constant("t", -0.2))
            .Computes((x, t) => Where(x >= 0, Silu(x), 0) + t),
        Fixed("ReLUSwish", "3.6.46", "where(x>=0,x*sigmoid(x),0)")
            .Computes(x => Where(x >= 0, Silu(x), 0))
            .Noted("FTSwish with t=0"),
        Fixed("OAF", "3.6.47", "relu(x)+x*sigmoid(x)")
            .Computes(x => Relu(x) + Silu(x)),
        Fixed("ELU", "3.6.48", "where(x>=0,x,a*(exp(x)-1))", Constant("a", 1))
            .Computes((x, a) => Where(x >= 0, x, a * Expm1(Below(x))))
            .Noted("survey writes (exp(x)-1)/a; PyTorch alpha multiplies, as here"),
        Fixed("REU", "3.6.49", "where(x>=0,x,x*exp(x))")
            .Computes(x => Where(x >= 0, x, x * Exp(Below(x)))),
        Fixed("ADA", "3.6.50", "max(x,0)*exp(-a*x+b)", Constant("a", 1, Ours), Constant("b", 0, Ours))
            .Computes((x, a, b) => Relu(x) * Exp(b - a * Relu(x)))
            .Noted("checked against the authors code; the survey drops the factor x"),
        Fixed("LADA", "3.6.51", "max(x,0)*exp(-a*x+b)+c*min(x,0)", Constant("a", 1, Ours), Constant("b", 0, Ours), Constant("c", 0.01))
            .Computes((x, a, b, c) => Relu(x) * Exp(b - a * Relu(x)) + c * Below(x))
            .Noted("as ADA"),
        Fixed("SigLU", "3.6.52", "where(x>=0,x,(1-exp(-2*x))/(1+exp(-2*x)))")
            .Computes(x => Where(x >= 0, x, Tanh(x)))
            .Noted("negative part = tanh(x)"),
        Fixed("SaRa", "3.6.53", "where(x>=0,x,x/(1+a*exp(-b*x)))", Constant("a", 0.5), Constant("b", 0.7))
            .Computes((x, a, b) => Where(x >= 0, x, x / (1 + a * BoundedExp(-b * Below(x))))),
    ];
}
