using static TorchZoo.Models.Neurons.ActivationMath;

namespace TorchZoo.Models.Neurons;

/// <content>Sums, polynomials and rational functions with trained coefficients: the survey's sections 4.29 to 4.54.</content>
internal static partial class ActivationTable
{
    private static ActivationSpec[] Combinations =>
    [
        Adaptive("APLU", "4.29", "relu(x)+a1*relu(-x+b1)+a2*relu(-x+b2)", Trainable("a1", 0.2, Ours), Trainable("a2", -0.1, Ours),
            Trainable("b1", 0, Ours), Trainable("b2", -1, Ours))
            .Computes((x, a1, a2, b1, b2) => Relu(x) + a1 * Relu(-x + b1) + a2 * Relu(-x + b2))
            .Noted("S=2 hinges; L2 penalty 0.001 on a and b"),
        Adaptive("SPLASH", "4.30", "p1*relu(x)+p2*relu(x-1)+p3*relu(x-2)+p4*relu(x-2.5)+n1*relu(-x)+n2*relu(-x-1)+n3*relu(-x-2)+n4*"
            + "relu(-x-2.5)", Trainable("p1", 1), Trainable("p2", 0), Trainable("p3", 0), Trainable("p4", 0), Trainable("n1", 0),
            Trainable("n2", 0), Trainable("n3", 0), Trainable("n4", 0))
            .Computes((x, p1, p2, p3, p4, n1, n2, n3, n4) => Hinges(x, p1, p2, p3, p4) + Hinges(-x, n1, n2, n3, n4))
            .Noted("S=7, hinges 0,1,2,2.5; starts as ReLU"),
        Adaptive("MultiBias", "4.31", "pair(relu(x+b1),relu(x+b2))", Trainable("b1", -0.5, Ours), Trainable("b2", 0.5, Ours))
            .Splits((x, axis, b1, b2) => Both(Relu(x + b1), Relu(x + b2), axis))
            .Noted("K=2, g=ReLU"),
        Adaptive("MeLU", "4.32", "where(x>=0,x,p*x)+a1*max(2-abs(x-2),0)+a2*max(1-abs(x-1),0)+a3*max(1-abs(x-3),0)",
            Trainable("p", 0.25, Ours), Trainable("a1", 0), Trainable("a2", 0), Trainable("a3", 0))
            .Computes((x, p, a1, a2, a3) =>
                Where(x >= 0, x, p * x) + a1 * Relu(2 - Abs(x - 2)) + a2 * Relu(1 - Abs(x - 1)) + a3 * Relu(1 - Abs(x - 3)))
            .Noted("k=4; (b,c) = (2,2),(1,1),(3,1)"),
        Adaptive("MMeLU", "4.32.1", "a*max(b-abs(x-c),0)+(1-a)*relu(x)", Trainable("a", 0.5, Ours), Trainable("b", 1, Ours),
            Trainable("c", 0, Ours))
            .Computes((x, a, b, c) => Mix(a, Relu(b - Abs(x - c)), Relu(x))),
        Fixed("GaLUComponent", "4.32.2", "max(c-abs(x-b),0)+min(abs(x-b-2*c)-c,0)", Constant("b", 1, Ours), Constant("c", 1, Ours))
            .Computes((x, b, c) => Relu(c - Abs(x - b)) + Below(Abs(x - b - 2 * c) - c))
            .Noted("one basis function of GaLU"),
        Adaptive("HardSwishBeta", "4.32.3", "2*x*clip(0.2*b*x+0.5,0,1)", Trainable("b", 1, Ours))
            .Computes((x, b) => 2 * x * Clip(0.2 * b * x + 0.5, 0, 1))
            .Noted("Avenash-Viswanath hard-swish; not HardSwish of 3.6.20"),
        Adaptive("SReLU", "4.33", "where(x>=tr,tr+ar*(x-tr),where(x<=tl,tl+al*(x-tl),x))", Trainable("tr", 1, Ours), Trainable("ar", 1),
            Trainable("tl", 0), Trainable("al", 0.2, Ours))
            .Computes((x, tr, ar, tl, al) => Where(x >= tr, tr + ar * (x - tr), Where(x <= tl, tl + al * (x - tl), x))),
        Adaptive("NActivation", "4.33.1", "where(x<min(a,b),x-2*min(a,b),where(x>max(a,b),x-2*max(a,b),-x))", Trainable("a", -1, Ours),
            Trainable("b", 1, Ours))
            .Computes((x, a, b) => Where(x < Min(a, b), x - 2 * Min(a, b), Where(x > Max(a, b), x - 2 * Max(a, b), -x))),
        Adaptive("ALiSA", "4.33.2", "where(x>=1,ar*x-ar+1,where(x>0,x,al*x))", Trainable("ar", 0.5, Ours), Trainable("al", 0.1, Ours))
            .Computes((x, ar, al) => Where(x >= 1, ar * x - ar + 1, Where(x > 0, x, al * x))),
        Fixed("LiSA", "4.33.2", "where(x>=1,ar*x-ar+1,where(x>0,x,al*x))", Constant("ar", 0.5, Ours), Constant("al", 0.1, Ours))
            .Computes((x, ar, al) => Where(x >= 1, ar * x - ar + 1, Where(x > 0, x, al * x))),
        Fixed("AllReLUEven", "4.34", "where(x>0,x,-a*x)", Constant("a", 0.5, Ours))
            .Computes((x, a) => Where(x > 0, x, -a * x))
            .Noted("layers with even index"),
        Fixed("AllReLUOdd", "4.34", "where(x>0,x,a*x)", Constant("a", 0.5, Ours))
            .Computes((x, a) => Where(x > 0, x, a * x))
            .Noted("layers with odd index"),
        Fixed("PLU", "4.35", "max(a*(x+b)-b,min(a*(x-b)+b,x))", Constant("a", 0.1), Constant("b", 1))
            .Computes((x, a, b) => Max(a * (x + b) - b, Min(a * (x - b) + b, x)))
            .Noted("a may be trainable"),
        Fixed("ARiA", "4.38", "x*(A+(K-A)/(C+Q*exp(-B*x))^(1/v))", Constant("A", 0, Ours), Constant("K", 1, Ours),
            Constant("B", 1, Ours), Constant("v", 1, Ours), Constant("C", 1, Ours), Constant("Q", 1, Ours))
            .Computes((x, A, K, B, v, C, Q) => x * (A + (K - A) * Exp(-(Log(C) + Softplus(Log(Q / C) - B * x)) / v)))
            .Positive("C", "Q", "v")
            .Noted("Richard curve gate; defaults give SiLU"),
        Fixed("ARiA2", "4.38", "x*(1+exp(-b*x))^(-a)", Constant("a", 1.5), Constant("b", 2))
            .Computes((x, a, b) => x * Exp(-a * Softplus(-b * x))),
        Adaptive("ModifiedWeibull", "4.39", "(x/a)^(b-1)*exp(-(x/c)^d)", Trainable("a", 1, Ours), Trainable("b", 2, Ours),
            Trainable("c", 1, Ours), Trainable("d", 2, Ours))
            .Computes((x, a, b, c, d) => RealPow(x / a, b - 1) * BoundedExp(-RealPow(x / c, d)))
            .NonZero("a", "c")
            .Noted("real for x<0 only with integer b-1 and d"),
        Adaptive("SinCos", "4.40", "a*sin(b*x)+c*cos(d*x)", Trainable("a", 1, Ours), Trainable("b", 1, Ours), Trainable("c", 1, Ours),
            Trainable("d", 1, Ours))
            .Computes((x, a, b, c, d) => a * Sin(b * x) + c * Cos(d * x)),
        Adaptive("SinSigmoid", "4.41", "a*sin(b*x)+c*sigmoid(d*x)", Trainable("a", 1, Ours), Trainable("b", 1, Ours),
            Trainable("c", 1, Ours), Trainable("d", 1, Ours))
            .Computes((x, a, b, c, d) => a * Sin(b * x) + c * Sigmoid(d * x))
            .Noted("CSS; same form as NAF"),
        Adaptive("Maxout2", "4.47", "max(w1*x+b1,w2*x+b2)", Trainable("w1", 1, Ours), Trainable("b1", 0, Ours),
            Trainable("w2", 0.25, Ours), Trainable("b2", 0, Ours))
            .Computes((x, w1, b1, w2, b2) => Max(w1 * x + b1, w2 * x + b2))
            .Noted("on a scalar pre-activation; K=2"),
        Adaptive("ABU", "4.48", "(a1*tanh(x)+a2*elu(x)+a3*relu(x)+a4*silu(x)+a5*x)", Trainable("a1", 0.2), Trainable("a2", 0.2),
            Trainable("a3", 0.2), Trainable("a4", 0.2), Trainable("a5", 0.2))
            .Computes((x, a1, a2, a3, a4, a5) => a1 * Tanh(x) + a2 * Elu(x) + a3 * Relu(x) + a4 * Silu(x) + a5 * x)
            .Noted("weights start at 1/n"),
        Adaptive("LinearCombIdReluTanh", "4.48", "a1*x+a2*relu(x)+a3*tanh(x)", Trainable("a1", 1 / 3.0, Ours),
            Trainable("a2", 1 / 3.0, Ours), Trainable("a3", 1 / 3.0, Ours))
            .Computes((x, a1, a2, a3) => a1 * x + a2 * Relu(x) + a3 * Tanh(x))
            .Noted("weights constrained to sum to 1 (Manessi-Rozza)"),
        Adaptive("TCA", "4.48.1", "(tanh(exp(a1)*x+b1)+sigmoid(exp(a2)*x+b2))/2", Trainable("a1", 0, Ours), Trainable("b1", 0, Ours),
            Trainable("a2", 0, Ours), Trainable("b2", 0, Ours))
            .Computes((x, a1, b1, a2, b2) => (Tanh(Exp(a1) * x + b1) + Sigmoid(Exp(a2) * x + b2)) / 2)
            .Noted("pool chosen here"),
        Adaptive("TCAv2", "4.48.1", "(exp(a1)*tanh(exp(b1)*x+c1)+exp(a2)*sigmoid(exp(b2)*x+c2))/(exp(a1)+exp(a2))",
            Trainable("a1", 0, Ours), Trainable("b1", 0, Ours), Trainable("c1", 0, Ours), Trainable("a2", 0, Ours),
            Trainable("b2", 0, Ours), Trainable("c2", 0, Ours))
            .Computes((x, a1, b1, c1, a2, b2, c2) =>
                (Exp(a1) * Tanh(Exp(b1) * x + c1) + Exp(a2) * Sigmoid(Exp(b2) * x + c2)) / (Exp(a1) + Exp(a2))),
        Adaptive("APAF", "4.48.2", "(a1*relu(x)+a2*sigmoid(x)+a3*tanh(x)+a4*x)/(a1+a2+a3+a4)", Trainable("a1", 1, Ours),
            Trainable("a2", 1, Ours), Trainable("a3", 1, Ours), Trainable("a4", 1, Ours))
            .Computes((x, a1, a2, a3, a4) => (a1 * Relu(x) + a2 * Sigmoid(x) + a3 * Tanh(x) + a4 * x) / (a1 + a2 + a3 + a4))
            .Requires("a1 + a2 + a3 + a4 != 0", p => p["a1"] + p["a2"] + p["a3"] + p["a4"] != 0),
        Adaptive("GABU", "4.48.3", "sigmoid(a1)*relu(x)+sigmoid(a2)*tanh(x)+sigmoid(a3)*x", Trainable("a1", 0, Ours),
            Trainable("a2", 0, Ours), Trainable("a3", 0, Ours))
            .Computes((x, a1, a2, a3) => Sigmoid(a1) * Relu(x) + Sigmoid(a2) * Tanh(x) + Sigmoid(a3) * x),
        Adaptive("DKNN", "4.48.4", "a1*tanh(b1*x)+a2*relu(b2*x)", Trainable("a1", 1, Ours), Trainable("b1", 1, Ours),
            Trainable("a2", 1, Ours), Trainable("b2", 1, Ours))
            .Computes((x, a1, b1, a2, b2) => a1 * Tanh(b1 * x) + a2 * Relu(b2 * x)),
        Adaptive("RowdyReLU", "4.48.5", "relu(x)+a1*c*sin(c*x)+a2*c*sin(2*c*x)+a3*c*sin(3*c*x)", Trainable("a1", 0, Ours),
            Trainable("a2", 0, Ours), Trainable("a3", 0, Ours), Constant("c", 1, Ours))
            .Computes((x, a1, a2, a3, c) => Relu(x) + a1 * c * Sin(c * x) + a2 * c * Sin(2 * c * x) + a3 * c * Sin(3 * c * x))
            .Noted("a cosine variant exists"),
        Adaptive("SLAF", "4.48.6", "a0+a1*x+a2*x^2+a3*x^3", Trainable("a0", 0, Ours), Trainable("a1", 1, Ours),
            Trainable("a2", 0.25, Ours), Trainable("a3", 0.1, Ours))
            .Computes((x, a0, a1, a2, a3) => Polynomial(x, a0, a1, a2, a3))
            .Noted("k=4 terms; normalise the input"),
        Adaptive("ChPAF", "4.48.7", "a0+a1*x+a2*(2*x^2-1)+a3*(4*x^3-3*x)", Trainable("a0", 0, Ours), Trainable("a1", 1, Ours),
            Trainable("a2", 0.25, Ours), Trainable("a3", 0.1, Ours))
            .Computes((x, a0, a1, a2, a3) => a0 + a1 * x + a2 * (2 * Square(x) - 1) + a3 * (4 * Pow(x, 3) - 3 * x))
            .Noted("Chebyshev, order 3"),
        Adaptive("LPAF", "4.48.8", "a0+a1*x+a2*(3*x^2-1)/2+a3*(5*x^3-3*x)/2", Trainable("a0", 0, Ours), Trainable("a1", 1, Ours),
            Trainable("a2", 0.25, Ours), Trainable("a3", 0.1, Ours))
            .Computes((x, a0, a1, a2, a3) => a0 + a1 * x + a2 * (3 * Square(x) - 1) / 2 + a3 * (5 * Pow(x, 3) - 3 * x) / 2)
            .Noted("Legendre"),
        Adaptive("HPAF", "4.48.9", "a0+a1*2*x+a2*(4*x^2-2)+a3*(8*x^3-12*x)", Trainable("a0", 0, Ours), Trainable("a1", 1, Ours),
            Trainable("a2", 0.25, Ours), Trainable("a3", 0.1, Ours))
            .Computes((x, a0, a1, a2, a3) => a0 + a1 * 2 * x + a2 * (4 * Square(x) - 2) + a3 * (8 * Pow(x, 3) - 12 * x))
            .Noted("physicists Hermite"),
        Adaptive("MoGU", "4.48.10", "a1*exp(-(x-m1)^2/(2*s1^2))/sqrt(2*pi*s1^2)+a2*exp(-(x-m2)^2/(2*s2^2))/sqrt(2*pi*s2^2)",
            Trainable("a1", 1, Ours), Trainable("m1", -1, Ours), Trainable("s1", 1, Ours), Trainable("a2", 1, Ours),
            Trainable("m2", 1, Ours), Trainable("s2", 1, Ours))
            .Computes((x, a1, m1, s1, a2, m2, s2) => a1 / Abs(s1) * Density((x - m1) / s1) + a2 / Abs(s2) * Density((x - m2) / s2))
            .NonZero("s1", "s2"),
        Adaptive("FourierSeries", "4.48.11", "a+b1*cos(d*x)+c1*sin(d*x)+b2*cos(2*d*x)+c2*sin(2*d*x)", Trainable("a", 0, Ours),
            Trainable("b1", 0.1, Ours), Trainable("c1", 1, Ours), Trainable("b2", 0.1, Ours), Trainable("c2", 0.1, Ours),
            Trainable("d", 1, Ours))
            .Computes((x, a, b1, c1, b2, c2, d) => a + b1 * Cos(d * x) + c1 * Sin(d * x) + b2 * Cos(2 * d * x) + c2 * Sin(2 * d * x))
            .Noted("FSA rank 2 here, rank 5 in the paper"),
        Adaptive("PAU", "4.49", "(a0+a1*x+a2*x^2+a3*x^3+a4*x^4+a5*x^5)/(1+abs(b1*x+b2*x^2+b3*x^3+b4*x^4))",
            Trainable("a0", 0.0335581573345), Trainable("a1", 0.505005918678), Trainable("a2", 1.6534697311),
            Trainable("a3", 2.01005015526), Trainable("a4", 0.931919558648), Trainable("a5", 0.152426463983),
            Trainable("b1", 4.81283186053e-05), Trainable("b2", 3.98024790551), Trainable("b3", 1.58375876657e-05),
            Trainable("b4", 0.301833828397))
            .Computes((x, a0, a1, a2, a3, a4, a5, b1, b2, b3, b4) =>
                Polynomial(x, a0, a1, a2, a3, a4, a5) / (1 + Abs(x * Polynomial(x, b1, b2, b3, b4))))
            .Noted("safe PAU (m=5,n=4), version B, LReLU(0.01) start; version A has sum of |b_k x^k| in the denominator"),
        Adaptive("RationalNet32", "4.49", "(a3*x^3+a2*x^2+a1*x+a0)/(b2*x^2+b1*x+b0)", Trainable("a3", 1.1915, Ours),
            Trainable("a2", 1.5957, Ours), Trainable("a1", 0.5, Ours), Trainable("a0", 0.0218, Ours), Trainable("b2", 2.383, Ours),
            Trainable("b1", 0, Ours), Trainable("b0", 1, Ours))
            .Computes((x, a3, a2, a1, a0, b2, b1, b0) => Polynomial(x, a0, a1, a2, a3) / Polynomial(x, b0, b1, b2))
            .Noted("Boulle et al., type (3,2), ReLU start; no pole guard"),
        Adaptive("ERA", "4.51", "a0+a1*x+(a2+a3*x)/((x-c)^2+d^2+eps)", Trainable("a0", 0, Ours), Trainable("a1", 0.5, Ours),
            Trainable("a2", 0, Ours), Trainable("a3", 0.5, Ours), Trainable("c", 0, Ours), Trainable("d", 1, Ours),
            Constant("eps", 1e-06))
            .Computes((x, a0, a1, a2, a3, c, d, eps) => a0 + a1 * x + (a2 + a3 * x) / (Square(x - c) + Square(d) + eps))
            .NonNegative("eps")
            .Noted("enhanced rational activation, one partial fraction"),
        Adaptive("TruncatedGaussianUnit", "4.54", "x+s*(phi((l-x)/s)-phi((u-x)/s))/(Phi((u-x)/s)-Phi((l-x)/s))", Trainable("l", 0, Ours),
            Trainable("u", 2, Ours), Constant("s", 1, Ours))
            .Computes((x, l, u, s) => x + s * TruncatedMean((l - x) / s, (u - x) / s))
            .Requires("l < u", p => p["u"] > p["l"])
            .Positive("s")
            .Noted("mean of N(x,s^2) truncated to [l,u]"),
    ];
}
