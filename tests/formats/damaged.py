"""Small tables that were damaged by chance (three bits turned, or cut off), each with what it makes of a library.

Of 1,800 such copies of two .xls files and a Parquet file 70 panicked, 3 aborted and 12 kept the library busy for good.
"""

import base64
import zlib


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b85decode("".join(text.split())))


PANICS_XLS = _unpacked("""
c-rljJ!lj`6vyA}_wIe<?s8ERAshjt#t2?6UyAWGg#p13wUHobG%17-C8dQ%V@g4=QfvZgY@#-
PpoMl8LPQHe5E3n|1O<!e`sTlLYeu)0i1&_t```E9`R&}!?##Yg$}i8~Z&{(=Vjr3GBlO8xQxm-TwSye7ABIxa_8xCxJ^rciJswEMrYD(~t{g)
--YaC#J?lAVq7S^Cpz}0*Zfc_R7h@287!$G&1Dplj=1P{D(W?UT8RSOfyEyYH@_tmVArJ7m%VLz4s>2=q>M1^Mw86`g<UT~3cc_%9iC)O3_|kO
|oomy9>9b>#>(gkp(zHN4ZbK7O6Vqdp%T(k6T%fOEiRer1O?_7SU+SfG(jOsv@=dS13H2L>MKnX<DLmkFJh|?*q5(d(%Fp{ImU1(RcI_-
9S2&lU%g|lWUC<Ti3UoJgH*^nl4|FedFLWPtA9O!-
KlE<af^&uYQsxUsI~<jxBffSZ*8<EPIc@I9;GIfy9;XKAJl?DvuMVqsKEFPEdZc<1l^LuT(W<gV-UtfmvTVVPvvAVL(&<2p9mrQe-
3;A=T;%tG_w6H1N*tWUIalGf^K~kSH`T3c^fuOWpN>3go%>kb&U$fZ<w9}sZFQd7cp%2Pz5LBmr|1;7ZpwIEt?h-Hf!-
rG|1leRMo#rTR7+<AT{Hs7=ze^s0RKIYTI3m;XY!FyERnzx8cW1?I`Skdh&{<N70XCq85%1ZHA}G!unMs!S+-
)C2`p1%nP54JWrEcbdy?fUmX*M=G?oRHr&tzPZLud=zGB%4EL&sQU<Hb0gVhmxl9f^{CxPW?EC;N#VmV-
S#hzqk6w6Iuxf;s_E2~&8SbJhmvKkc2OJI2#%L6N?SRPn|u_sx1#qtwazQ*#wDkzo@)}h#wtVYEO5?F!83cxBVRshz~*psX##Y!cxQW`4-
)&|8&fi)U?lC@EO%^C%IAe->F!LJCY9`&e4J?as~Pbbsd)c
""")

ABORTS_XLS = _unpacked("""
c-rllO-NKx6vxkf^WMCV(Q#%REe%A3tW2SC{ETc$C?QD97KH?*=^_-3p-nByGM7Qns%Rs)X=AnNgId(CMPSq-2m-BTtDvBTI-UD}cV51F3kOOn
=M49}|GVei-@Wth=gh15_`=Nn>P7m=_ELyeayErm<q1x9{w78o&*h}dUoB3#qWx25TilUhgPxSWG-
V$~IW3Y#_w?uNi9T>TL1(FVVtk}_9jzN}7!<M%UF-$j=A0;1p;Za^)9~f+ck$#?_<hK^2H(ZcE{Fk|&-6BQs8M`et3xbGlKT*4-XSMN74$-
m;!D?s`>a9xvu6g!{?0&+UP80P{nj%wK9U_ATc9LQ*jf6Tt0nr9pQ+Dki}~xDFNpKM`SZ<y{2Q81G)cKr7~s>qxbD&24nDfX<9#zrnL<Rnno{s
-_9^HTbTf1_bQ(Gh-2&YL-3r|b-3HwT-45Lj-2vSJ-
3i^<l;*aixMKH$yOev!bvtq|z}gY>)(*K>lwwYmupg!}=s0FpjCY5nJD*=49_q`SM9w7k3wKx9DqjTU=&~%qh2<(#%M@uc(tr{>;je(Y1-
cqO$@77)^?eme9Gt>4R}rn}deX2rnQg1|cGlCMjy$TF{+QXpdah^jLUQhHW`^pxBZj%W{7g}!XcV_@N_(8iUxiwM-osb@vKm=hOtn3yw$3uTs5
y}C`&cFi-#v~zH>UYwA-
)reB?4H&#}eL~c4Ly|crnQeDV7$%(tIqp*L20wz)E;A$ublx6u=7kSRt^&iWLH@+KWk+saSddOZTyKuq?&W!K(9Ol4UEF5x_EhECVb@u?(;pyq
IJ~6e}FS3j0`Luu2pw3|6xjldMw3G6Ptqk7a@tRV)*%-
Cj(x$`s2AU|Bwv1y)S4EU>!0m}JEj%MM`KK9&tuLa}VH4tX)jDpxEgfaUmD4p>RWa=_~MVv<#%Sdjo$#K($&RjF7Jum-
%CWNnhCSuH^iWD!0a{4j?$wCPl|q7|)ZMcc3@aPA~^k|Ugw<mtv#|LZJsS}Fcb^50rNP4MR&|Jpi0<9yB1`GUqzB^e^m5^F4z|G!Y$F|IvJqcn
tej21k8`FEID{e9M4F!uYVP@(m&6w=N=T>p3XyZ&D
""")

NEVER_ENDS_XLS = _unpacked("""
c-
rllPe>F|9LIleW_EXWc3pSZ)zUyj$jTI2*T0c%31tL{*`bi2G(Ci(v2>|JS>`baIu%_6FI}uI{h<zZ>kt@q2!cTC*eNLJpiaN{owt)ybI=Is&-
|A8&3Askd7t-o-g`4|=H*;!e)?Y30{vjSNvCByO5qhT!CSO=kR;CAwv@%a$(tS6Uu98~J2D)i$0aW!vJYi{FOWuejc4qM-
t%^x&QQ<z*l^7{S{K?dAY>al*$cYGkpxwuRcZKB@MZ9KaOM;EJ&0U|@8ommML*5ud+OWOC_bjuB9|b^eSk7=5y?_HJ(r{S;x*x%8=}31(*vV_W
}@1N(+qLHbq|jX7Y0V>DZ?E&LtpF~qR+*d`m`p9uWwus$G>{x5uf;V%^;c}`y>YV6yIET8BPZuS>*A)k)_;pq8*J{_#FEzbQZb^x(PZ5or7+MZ
ia4wZh>xvZiQ}xZi8-zZinuG?r6+$Te4iSv%^u=IpVr4`7FS_Bk8$!lweN9*$+`EbP6*o$xnyH+n-
(?8tl!VKx6{X3+Jh_SzZXT>5?qLg%ilc;bo>CCAPy~26Yp36?}&01Mlm4%azzaiF2+XTgUa}V6XFAR_LvCfTlhkepo&AA-
|2|v)v2lGqZ2<(^ShHF~sHNZ;~2BgSdG^+M|4NFVr3A9em|acOz3vs<zwe(OF6tGz-
$X9!q55zo!s$a+)Wn^N~<2;lmOhmT<4MlanmV%}JK7Seg$@^RS#=GZae$EA8eaE2LPu4@>v3bg;sTrGr)F<|HekScVVF@URT9OvN(5s&#Xc6;-
T|4=dzhg}|~Di-
*lbibq*7Cs{GY3j46a9#$BvxMGFTt|m7pStW`U@nJ<gtO!^M#fpHn)6Gd%sbZNvEYrg>!AdHY309YzldP0tMSWON4=V~*TCt*F9dvV&Ri;>$56
kkfEU+?)Wr5Y_<|M0Jv0^@~n1>Yut3t72VD-B>$=V=Svs#+&%Obos_-
+;j7Fb|`1s2%<X#(p`QY$&aDoL(xBI>)&5^u}FXOe%``e>YgXZgi+AC2+8K<Cypekv#=iY&3pGR5zO(vEWN1sb72v}0t=<CovV#LEA(>VnDNH-
&69PgYz1@><%t%KGhJtp6K+@BZ-
""")

PANICS_PARQUET = _unpacked("""
c-oa!J#Q016g(T-nAm`mc#k_c;0W>I00Mh2iG3&{zI;Fe4qPG-L;?weV~7M8#UXr1NQi<0AxcULgi-
)Mff7;C(osPW4Fv@>RP1{mJ1Ibd)q3W3-
p<?gTkkpWXYwK<?nhNGi$G|rEd&mO*MTG8C^!aQ4~~O3fIGkma1y)`ya~J+oC0@(yTIMxG`O`_9lQl>fKBjL@HVgo-VWXY-U+tByTCo*-
QZqu2JC?MwD%>-qP$-fGbLgoW({iDWGiOG*A$ov8-!wslARo@SQF3pmp=~$y;G;=&YxYrcJAxF3)v^t`DY?x4rsBIX@uviLem5NO-yxXIqJkIb
$m_g*2!q<MBlGd9VbdBnIp&(NCKCjpJ0Gskf1<NB=Bf!`5a@OQ8K!W{fq;QgNy~nA|rbxdnJ1%dnJ1%dnJ1%dnJ1%dnJ2a_PXqK+3T{`Wv|O#m
%T1~UG}=(AL<_Rj8N|1E1g88LyKJKZxPj<rwQlv`ZdYaGLNIG(?VKnAsp-8Qu~1Kx0h`l%4u#NhMW9lxT$`}_~-
Dem(+ei*GkQCxYUeCOSoOoJD_ibp2D~j@h<3T=mNS9-GFXF-wNG=z8(4w=r+bS;=7>tK<|OR8+tGFUg#O<4s-
|l9_U%<S?GPGR!K#NnbBhERF?QuK1Ee`R+2-
1E4$elHdpVNdR)DjrjBqZr#{{qq3v%!s)d_jOJ9zPXCZpcsOP5%@u2m*k`!t;lsRmcCn5{=`l5)b%a;k$Wz|GdJ%koBTA5xsqJu_D>MNL*Iplm
wSpRXe+f9F)7KXmuEe>nWgOv4eKUw`FnO3?*kLJAVvi`TA`VX={Osh5ZN1b}$#1*Bf0!GrGnK^mpP~*~-xoZ{UMfe~!Z^~C~oS?X*#<!<2X6d-
^H~dlNX@6g!;<s**KI!|HF^~KsJUBt%lYexUQcu!w#K(LJ@mi{l4N_dCIO_YeG=*nXDa+I;6)9e7Z>qV@$PqaG;4a0-c^z76f?%vc`A$-
NlxNL0*PG<b<Cj$`;_2o-#*oUR@00V}yHwU=lynqXDrcsB%{UR%uT~ZscJ{`d#VhseefHAaLSw#u-
IfRP2Xc1y;?4Q1Rl890a`Ix;t<|csP^%SXHQz4_#Y)brNN=E4leI!+uIkA?bI9U<Mf#OJQtzBV{ipv1Nq0hZ
""")

ABORTS_PARQUET = _unpacked("""
c-oy+&u<e)7+o9NxUmCH;@R%PLYELPP8(5sHi^Ae)OhoQCan|J5mg$gmFmPXi4<@Zr=hJ>332ElLOpWiP@x=vKY=6asn^~(K@b-
X9Lj}L=lk~A$ptCxX#C#J`}Tb^`_0Ze@Ry1rCT_=7uZlouhb;n*f=_^B;5ay8hkO#_B=`ex4>$!*gL}cJz^B0(a38oIJOIvuJ8RX!AA$|A2|fc
p3%0=Lz~{jqf$=!n1@IvFB6tX#13TbL-
F1nosE&x5$cThUSmRng*@+p+BL$|y29ZRnVy9>7*4!T>)fW@N(89I#@4nf;@$IW$zt8{P*t{=d=9reqm_~H7Av8VEpCnXw_Tx_Sy{XlX{&hli>
?rMIfuKkr30#6vf-!<|f)YWQz@w!V3yeiZ$>=hUGLA8hGnN?3jO>-
{mF$)5mF$)5mF$)5mF$)5mF#ud>$2BnughMSy)JuQ_PXqK+3R|px(A1Kk9bC;aQsTAQR&DI7y5Nfb?08nd3^FnGBwTJxau^K*4^N+?jKjWyKuW
ZZD&)y=Jxkw$S)^D^$o^vCm%he_71vM3CGb&7>`$Qx}f(!?}eVhxDWAu=vn9jx(?ldZbCl;-
GY7&`g!O!#x~*?pbtVHgnkkF5cDDFIp_{_2l^%GdFXlQ!<9}+MUR=&5^7g=c~_ptRd){36Ynd#*%vhr4}-cqJea1AaHODq-Vvee?_R2j!?30A$
Hn~!eP-14y_C4qxjsk>wHnGCHLG*6?N)0?B-
G){Md`3=BCReWJ2|aNpB&Lcqh0j~re#hz&r{a_IobNttT6Qb0r9!!+{swSdu8=!WI7lSgPQYazx7`Ws{cdw-
?C~>eXmasoTQ?xRxvFj?Jq4|UH+`Swy}PrZaj#7O3hpFRhuO!@2c@nHH=yM%J<v;G;_`WBvA2Nw@9D&{p+}o{8KzwB=E^Uy+WzyX*lKMehTqis
?Cg3T&4KJ_gCl^zN<l57OtsCd9AysaGt3vaQeY76rbgJXsS7anKtFSO7UsFYbBg-o-@y0SE-
0=;W}oJ%A@Bg_}x`1>z9;t8d>VgHD5CpgVt7kyKU!x_<3ieb#vI>UEgkRwr<+;a`AG(&aeKsxz(^sO|KwV8*a1Nkfmm`EE~m9St{2HUR`=)&8B
RY>gx?p4x1Ae|Etkkwx_;1f%;GX7kEcP)&
""")
